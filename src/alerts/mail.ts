import {hostname} from 'node:os';
import type {SendMailOptions} from 'nodemailer';
import type {Settings} from '../config/settings.ts';
import {explainMailFailure, refusedRecipients} from './mail-failure.ts';
import {mailSubject, mailText, type AlertMessage} from './message.ts';

export type MailSettings = Pick<Settings, 'EMAIL_SMTP_HOST' | 'EMAIL_SMTP_PORT' | 'EMAIL_SMTP_USER' | 'EMAIL_SMTP_PASS' | 'EMAIL_SMTP_TLS_SERVERNAME' | 'EMAIL_FROM' | 'ALERT_EMAIL'>;

const limitSeconds = 30;
/** Of each step, so that most failures have a better name than the limit of all. */
const stepMilliseconds = 10_000;

/** The recipients in ALERT_EMAIL: separated by commas, or by blanks where none has a name. Pure. */
export function recipientsOf(text: string): string[] {
  const parts = text.split(text.includes('<') ? /[,;]+/ : /[\s,;]+/);
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

/**
 * How to speak to the server: TLS from the beginning on port 465, else STARTTLS, which is a must on port 587 and with a
 * login. Elsewhere a relay's home-made certificate is better than none. Pure.
 */
export function smtpOptions(settings: MailSettings) {
  const {EMAIL_SMTP_HOST: host, EMAIL_SMTP_PORT: port, EMAIL_SMTP_USER: user, EMAIL_SMTP_PASS: pass, EMAIL_SMTP_TLS_SERVERNAME: servername} = settings;
  const secure = port === 465;
  const hasLogin = user !== undefined || pass !== undefined;
  const requireTLS = !secure && (hasLogin || port === 587);
  return {
    host,
    port,
    secure,
    requireTLS,
    ...(hasLogin && {auth: {user: user ?? '', pass: pass ?? ''}}),
    tls: {rejectUnauthorized: secure || requireTLS, ...(servername !== undefined && {servername})},
    connectionTimeout: stepMilliseconds,
    greetingTimeout: stepMilliseconds,
    socketTimeout: stepMilliseconds,
    dnsTimeout: stepMilliseconds,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/**
 * Sends an alert by mail to everybody in ALERT_EMAIL. NODE_EXTRA_CA_CERTS names further certificate authorities.
 * @returns what the server refused of it, if some recipients got it and others did not
 * @throws TimetilesError `alert` that names the key to correct
 */
export async function sendMail(settings: MailSettings, alert: AlertMessage): Promise<string | undefined> {
  const {createTransport} = await import('nodemailer');
  const signal = AbortSignal.timeout(limitSeconds * 1000);
  const mail: SendMailOptions = {
    from: settings.EMAIL_FROM ?? `timetiles@${hostname()}`,
    to: recipientsOf(settings.ALERT_EMAIL ?? ''),
    subject: mailSubject(alert),
    text: mailText(alert),
    headers: {'Auto-Submitted': 'auto-generated'},
    signal,
  };
  try {
    const {rejected} = await createTransport(smtpOptions(settings)).sendMail(mail);
    return rejected.length === 0 ? undefined : refusedRecipients(rejected);
  } catch (error) {
    throw explainMailFailure(error, settings, signal.aborted ? limitSeconds : undefined);
  }
}
