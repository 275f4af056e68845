import {attemptChannel} from '../alerts/channels.ts';
import {sendHeartbeat, type Beat} from '../alerts/heartbeat.ts';
import {isSet} from '../config/guarded.ts';
import {createRedactor} from '../shared/redact.ts';
import {reportChannel} from './alerts.ts';
import type {Context} from './context.ts';

export interface Heartbeat {
  /** Tells how the run ended; never throws. */
  end(beat: Exclude<Beat, 'start'>, reason: string): Promise<void>;
}

/**
 * Tells the monitor in HEARTBEAT_URL that a run has begun, without making it wait for the answer.
 * @param beats `end`: only how it ends, as for a run that may come to nothing
 */
export function startHeartbeat(context: Context, command: string, beats: 'start and end' | 'end'): Heartbeat {
  if (!isSet(context.settings, 'HEARTBEAT_URL')) return {end: () => Promise.resolve()};
  const redact = createRedactor(context.configuration.secrets);
  const ping = async (beat: Beat, reason: string) => {
    const result = await attemptChannel('heartbeat', async () => {
      await sendHeartbeat(context.settings.HEARTBEAT_URL ?? '', beat, redact(reason));
      return {message: beat};
    });
    if (result.state === 'failed') await reportChannel(context, result, command);
  };
  const started = beats === 'end' ? undefined : ping('start', '');
  return {
    async end(beat, reason) {
      // A start that arrives late would look like a run that never ended.
      await started;
      await ping(beat, reason);
    },
  };
}
