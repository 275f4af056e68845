import type {ChannelResult} from '../../alerts/channels.ts';
import {exitCodes} from '../../shared/errors.ts';
import type {Rendered} from '../base-command.ts';

const marks = {sent: 'sent', failed: 'FAILED', 'not configured': 'not configured'} as const;

/** `alert test`: each channel with what became of the test, and what to do. */
export function renderAlertTest(channels: readonly ChannelResult[]): Rendered {
  const lines = channels.flatMap(({channel, state, message, remedy}) => [
    `${channel.padEnd(10)}  ${marks[state].padEnd(14)}  ${message}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(28)}${remedy}`]),
  ]);
  const isWell = channels.every(({remedy}) => remedy === undefined);
  const reachesNobody = channels.every(({channel, state}) => channel === 'alerts.log' || state === 'not configured');
  const verdict = !isWell ? 'Not every alert would arrive.' : reachesNobody ? 'Alerts are only written to alerts.log: set EMAIL_SMTP_HOST and ALERT_EMAIL, or ALERT_WEBHOOK_URL.' : 'Alerts arrive; see whether you got each of them.';
  return {text: [...lines, verdict].join('\n'), json: {state: isWell ? 'ok' : 'failed', channels}, exitCode: isWell ? exitCodes.done : exitCodes.failed};
}
