import {isSet} from '../config/guarded.ts';
import type {Settings} from '../config/settings.ts';
import {toTimetilesError} from '../shared/errors.ts';
import {recipientsOf, sendMail} from './mail.ts';
import type {AlertMessage} from './message.ts';
import {sendWebhook} from './webhook.ts';

/** What became of an alert on one way out. */
export interface ChannelResult {
  readonly channel: 'alerts.log' | 'mail' | 'webhook' | 'heartbeat';
  readonly state: 'sent' | 'failed' | 'not configured';
  /** Whom it reached, or why it did not. */
  readonly message: string;
  /** What to do; absent when all is well. */
  readonly remedy?: string;
}

/** Sends an alert by mail and webhook at once, where they are configured. Never throws. */
export async function sendToChannels(settings: Settings, alert: AlertMessage, say: (text: string) => void): Promise<ChannelResult[]> {
  return Promise.all([byMail(settings, alert), byWebhook(settings, alert, say)]);
}

/** Tries one channel. */
export async function attemptChannel(channel: ChannelResult['channel'], work: () => Promise<Pick<ChannelResult, 'message' | 'remedy'>>): Promise<ChannelResult> {
  try {
    return {channel, state: 'sent', ...(await work())};
  } catch (thrown) {
    const {message, next} = toTimetilesError(thrown);
    return {channel, state: 'failed', message, remedy: next};
  }
}

async function byMail(settings: Settings, alert: AlertMessage): Promise<ChannelResult> {
  const missing = (['EMAIL_SMTP_HOST', 'ALERT_EMAIL'] as const).find((key) => !isSet(settings, key));
  if (missing !== undefined) return {channel: 'mail', state: 'not configured', message: `${missing} is not set`};
  return attemptChannel('mail', async () => {
    const {EMAIL_SMTP_HOST: host, ALERT_EMAIL: to = ''} = settings;
    const refused = await sendMail(settings, alert);
    const message = `${recipientsOf(to).join(', ')} by ${host}`;
    return refused === undefined ? {message} : {message: `${message}, but ${refused}`, remedy: 'Correct ALERT_EMAIL.'};
  });
}

async function byWebhook(settings: Settings, alert: AlertMessage, say: (text: string) => void): Promise<ChannelResult> {
  if (!isSet(settings, 'ALERT_WEBHOOK_URL')) return {channel: 'webhook', state: 'not configured', message: 'ALERT_WEBHOOK_URL is not set'};
  return attemptChannel('webhook', async () => {
    await sendWebhook(settings.ALERT_WEBHOOK_URL ?? '', alert, (reason) => say(`${reason}; once more`));
    return {message: 'the address in ALERT_WEBHOOK_URL'};
  });
}
