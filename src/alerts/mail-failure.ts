import {messageOf, systemCode, TimetilesError} from '../shared/errors.ts';

interface Place {
  readonly EMAIL_SMTP_HOST?: string | undefined;
  readonly EMAIL_SMTP_PORT: number;
}

/** What the server said of some recipients, while others got the mail. */
export function refusedRecipients(addresses: readonly string[]): string {
  return `the mail server refused ${addresses.join(', ')}`;
}

/**
 * A failure of nodemailer as an error that names the key to correct. Pure.
 * @param limitSeconds the limit of all, when that is what ended it
 */
export function explainMailFailure(error: unknown, {EMAIL_SMTP_HOST: host, EMAIL_SMTP_PORT: port}: Place, limitSeconds?: number): TimetilesError {
  const place = `${host}:${port}`;
  if (limitSeconds !== undefined) return failure(`${place} took longer than ${limitSeconds} seconds`, 'See what keeps the mail server busy.');
  const message = messageOf(error);
  const code = systemCode(error);
  const lower = message.toLowerCase();
  if (code === 'EAUTH') return failure(`${place} refused the login (${message})`, 'Correct EMAIL_SMTP_USER and EMAIL_SMTP_PASS; many providers want a password made for one app.');
  if (code === 'EDNS') return failure(`the name ${host} is not known (${message})`, 'Correct EMAIL_SMTP_HOST, or see whether this host has a name server.');
  if (/certificate|self-signed|altnames|unable to verify/.test(lower)) {
    return failure(`the certificate of ${place} is not trusted (${message})`, 'Set EMAIL_SMTP_HOST, or EMAIL_SMTP_TLS_SERVERNAME beside it, to the name in the certificate; for an authority of your own, name its file in NODE_EXTRA_CA_CERTS.');
  }
  if (/wrong version number|packet length|ssl routines/.test(lower)) return failure(`${place} does not speak TLS from the beginning (${message})`, 'Set EMAIL_SMTP_PORT to 587; 465 is for TLS from the beginning.');
  if (code === 'ETLS' || commandOf(error) === 'STARTTLS') {
    return failure(`${place} does not offer STARTTLS, and no password is sent in clear (${message})`, 'Set EMAIL_SMTP_PORT to 465 if the server has it; a relay without a login may be asked on port 25.');
  }
  if (code === 'EENVELOPE') return failure(`${place} refused sender or recipient (${message})`, 'Correct ALERT_EMAIL; if it is the sender, set EMAIL_FROM to an address that this login may use.');
  if (code === 'ETIMEDOUT') return failure(`${place} does not answer (${message})`, 'See whether EMAIL_SMTP_HOST and EMAIL_SMTP_PORT are right and the firewall lets mail out; many providers block port 25.');
  if (code === 'ESOCKET' || code === 'ECONNECTION') return failure(`${place} cannot be reached (${message})`, 'Correct EMAIL_SMTP_HOST and EMAIL_SMTP_PORT, or start the mail server.');
  return failure(`${place}: ${message}`, 'See the log of the mail server.');
}

function failure(message: string, next: string): TimetilesError {
  return new TimetilesError('alert', message, next);
}

function commandOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'command' in error ? error.command : undefined;
}
