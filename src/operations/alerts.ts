import {hostname} from 'node:os';
import {appendAlert, type AlertLine} from '../alerts/alerts-log.ts';
import {sendToChannels, type ChannelResult} from '../alerts/channels.ts';
import {readAlertRecords, writeAlertRecords} from '../alerts/memory.ts';
import {redactMessage, type AlertMessage} from '../alerts/message.ts';
import {decide, isToBeSettled, type AlertRecord} from '../alerts/policy.ts';
import {messageOf} from '../shared/errors.ts';
import {createRedactor} from '../shared/redact.ts';
import type {FindingFamily} from './alert-keys.ts';
import {uninterruptible, type Context} from './context.ts';
import type {Finding} from './health.ts';

/** Trouble, and the command that met it. */
export interface Trouble extends Finding {
  readonly command: string;
}

/**
 * Makes trouble known: always in `alerts.log`, by mail and webhook when it is new, and every three days while it lasts.
 * Never throws, also not after Ctrl-C: what cannot be told must not change what it tells of.
 */
export async function raiseAlert(context: Context, trouble: Trouble): Promise<void> {
  const quiet = uninterruptible(context);
  await writeLine(quiet, 'failed', trouble);
  const records = readAlertRecords(quiet.stateDirectory);
  const {record, send} = decide(records[trouble.key], trouble, quiet.clock.now());
  const isSent = send !== 'silent' && (await tell(quiet, send === 'first' ? 'failed' : 'still failing', trouble, record));
  await remember(quiet, trouble.key, isSent ? {...record, lastSent: quiet.clock.now().toISOString()} : record);
}

/** Says once that a trouble is over, to those who have heard of it. Never throws. */
export async function settleAlert(context: Context, key: string): Promise<void> {
  const known = readAlertRecords(context.stateDirectory)[key];
  if (!known) return;
  const quiet = uninterruptible(context);
  const over: Trouble = {key, kind: known.kind, message: known.message, next: '', command: known.command};
  await writeLine(quiet, 'recovered', over);
  if (isToBeSettled(known) && !(await tell(quiet, 'recovered', over, known))) return;
  await remember(quiet, key, undefined);
}

export interface FindingOptions {
  readonly command: string;
  /** What was looked for; findings and alerts of others are left alone. */
  readonly families: readonly FindingFamily[];
  /** Leave alone what somebody was told already. */
  readonly onlyNews: boolean;
}

/** Raises what was found and settles what was not. */
export async function alertFindings(context: Context, findings: readonly Finding[], {command, families, onlyNews}: FindingOptions): Promise<void> {
  const isMeant = (key: string) => families.some((family) => key === family || key.startsWith(`${family}:`));
  const meant = findings.filter(({key}) => isMeant(key));
  const known = readAlertRecords(context.stateDirectory);
  const isKnown = ({key, kind}: Finding) => known[key]?.kind === kind && isToBeSettled(known[key]);
  for (const finding of meant) if (!onlyNews || !isKnown(finding)) await raiseAlert(context, {...finding, command});
  const over = Object.keys(known).filter((key) => isMeant(key) && !meant.some((finding) => finding.key === key));
  for (const key of over) await settleAlert(context, key);
}

/** A message of this host, with the last lines of the log and without secrets. */
export function describeTrouble(context: Context, state: AlertMessage['state'], trouble: Trouble, record: Pick<AlertRecord, 'since' | 'count'>): AlertMessage {
  const message = {
    ...trouble,
    state,
    host: hostname(),
    project: context.settings.COMPOSE_PROJECT_NAME,
    time: context.clock.now(),
    since: new Date(record.since),
    count: record.count,
    lines: context.recentLines(),
  };
  return redactMessage(message, createRedactor(context.configuration.secrets));
}

/** Writes a line to `alerts.log`. @returns why it could not, where that is so */
export async function writeLine(context: Context, state: AlertLine['state'], {key, kind, message, next, command}: Trouble): Promise<string | undefined> {
  const redact = createRedactor(context.configuration.secrets);
  try {
    await appendAlert(context, {state, key, kind, command, message: redact(message), next: redact(next)});
    return undefined;
  } catch (error) {
    context.log.warn(`alerts.log cannot be written: ${messageOf(error)}`);
    return messageOf(error);
  }
}

/** A channel that fails is a warning, and noted where every alert is. */
export async function reportChannel(context: Context, {channel, state, message, remedy}: ChannelResult, command: string): Promise<void> {
  if (state === 'sent') context.log.info(`alert sent by ${channel}: ${message}`);
  if (remedy === undefined) return;
  context.log.warn(`alert by ${channel}: ${message}. ${remedy}`);
  await writeLine(context, 'failed', {key: `channel:${channel}`, kind: 'alert', command, message, next: remedy});
}

/** @returns whether anybody got it; true as well where `alerts.log` is all there is */
async function tell(context: Context, state: AlertMessage['state'], trouble: Trouble, record: AlertRecord): Promise<boolean> {
  const message = describeTrouble(context, state, trouble, record);
  const results = await sendToChannels(context.settings, message, (text) => context.log.warn(text));
  for (const result of results) await reportChannel(context, result, trouble.command);
  return results.every(({state: outcome}) => outcome === 'not configured') || results.some(({state: outcome}) => outcome === 'sent');
}

async function remember(context: Context, key: string, record: AlertRecord | undefined): Promise<void> {
  const {[key]: _, ...others} = readAlertRecords(context.stateDirectory);
  try {
    await writeAlertRecords(context.stateDirectory, record === undefined ? others : {...others, [key]: record});
  } catch (error) {
    // As on a full disk. It is then told again next time.
    context.log.warn(`it cannot be remembered that an alert was sent: ${messageOf(error)}`);
  }
}
