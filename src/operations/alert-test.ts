import {alertsLogPath} from '../alerts/alerts-log.ts';
import {attemptChannel, sendToChannels, type ChannelResult} from '../alerts/channels.ts';
import {sendHeartbeat} from '../alerts/heartbeat.ts';
import {isSet} from '../config/guarded.ts';
import {describeTrouble, writeLine, type Trouble} from './alerts.ts';
import type {Context} from './context.ts';

const trouble: Trouble = {
  key: 'test',
  kind: 'test',
  message: 'a test of the alerts',
  next: 'Nothing is wrong, and nothing is to be done.',
  command: 'timetiles alert test',
};

/** Sends a test through every channel that is configured, at once. Never throws for what it finds. */
export async function testAlerts(context: Context): Promise<ChannelResult[]> {
  const message = describeTrouble(context, 'test', trouble, {since: context.clock.now().toISOString(), count: 1});
  const [log, others, heartbeat] = await Promise.all([
    testLog(context),
    sendToChannels(context.settings, message, (text) => context.log.warn(text)),
    testHeartbeat(context),
  ]);
  return [log, ...others, heartbeat];
}

async function testLog(context: Context): Promise<ChannelResult> {
  const path = alertsLogPath(context);
  const failure = await writeLine(context, 'test', trouble);
  if (failure === undefined) return {channel: 'alerts.log', state: 'sent', message: path};
  return {channel: 'alerts.log', state: 'failed', message: `${path}: ${failure}`, remedy: 'Make the installation directory writable, or run the command as its owner, usually root.'};
}

/** Start and success: a monitor that waits for the night's run counts it as one. */
async function testHeartbeat(context: Context): Promise<ChannelResult> {
  if (!isSet(context.settings, 'HEARTBEAT_URL')) return {channel: 'heartbeat', state: 'not configured', message: 'HEARTBEAT_URL is not set'};
  return attemptChannel('heartbeat', async () => {
    const address = context.settings.HEARTBEAT_URL ?? '';
    await sendHeartbeat(address, 'start', trouble.message);
    await sendHeartbeat(address, 'success', trouble.message);
    return {message: 'start and success to the address in HEARTBEAT_URL'};
  });
}
