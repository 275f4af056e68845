import {once} from 'node:events';
import {SMTPServer} from 'smtp-server';
import type {Certificates} from './certificates.ts';

/** A mail as the server took it. */
export interface ReceivedMail {
  from: string;
  to: string[];
  /** Without line folds and transfer encodings. */
  subject: string;
  text: string;
  /** As it came over the wire. */
  raw: string;
  /** Whether the connection was encrypted and who had logged in. */
  secure: boolean;
  user: string | undefined;
}

export interface SmtpServer {
  port: number;
  mails: ReceivedMail[];
  /** How often somebody tried to log in. */
  logins: {user: string; secure: boolean}[];
  /** The mails since the last call. */
  take(): ReceivedMail[];
  close(): Promise<void>;
}

export interface SmtpOptions {
  certificates?: Certificates;
  /** TLS from the beginning instead of STARTTLS. */
  implicitTls?: boolean;
  /** Whose login is taken; without it nobody has to log in. */
  login?: {user: string; password: string};
  port?: number;
}

/** What the server does not accept mail for. */
export const refusedRecipient = 'nobody@refused.test';

/** Starts a real mail server on a port of this machine; without certificates it has no STARTTLS. */
export async function startSmtpServer({certificates, implicitTls = false, login, port = 0}: SmtpOptions = {}): Promise<SmtpServer> {
  const mails: ReceivedMail[] = [];
  const logins: SmtpServer['logins'] = [];
  const server = new SMTPServer({
    secure: implicitTls,
    ...certificates?.tls,
    disabledCommands: [...(certificates ? [] : ['STARTTLS']), ...(login ? [] : ['AUTH'])],
    authOptional: login === undefined,
    // The tool must refuse by itself to send a password in clear.
    allowInsecureAuth: true,
    disableReverseLookup: true,
    onAuth({username = '', password}, session, callback) {
      logins.push({user: username, secure: session.secure});
      if (username === login?.user && password === login.password) callback(null, {user: username});
      else callback(new Error('the login is not known'));
    },
    onRcptTo({address}, _, callback) {
      callback(address === refusedRecipient ? new Error('no such mailbox') : null);
    },
    onData(stream, session, callback) {
      const {mailFrom, rcptTo} = session.envelope;
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const raw = Buffer.concat(chunks).toString('utf8');
        mails.push({from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({address}) => address), ...parse(raw), raw, secure: session.secure, user: session.user});
        callback();
      });
    },
  });
  // A client that goes away is none of the test's business.
  server.on('error', () => {});
  server.listen(port, '127.0.0.1');
  await once(server.server, 'listening');
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('no port to listen on');
  return {
    port: address.port,
    mails,
    logins,
    take: () => mails.splice(0),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function parse(raw: string): {subject: string; text: string} {
  const [head = '', ...rest] = raw.split('\r\n\r\n');
  const headers = head.replaceAll(/\r\n[ \t]+/g, ' ');
  const body = rest.join('\r\n\r\n');
  const subject = /^Subject: (.*)$/m.exec(headers)?.[1]?.trim() ?? '';
  const encoding = /^Content-Transfer-Encoding: (.*)$/m.exec(headers)?.[1]?.trim() ?? '7bit';
  return {subject: decodeWords(subject), text: decodeBody(body, encoding).replaceAll('\r\n', '\n')};
}

function decodeBody(body: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  return encoding === 'quoted-printable' ? decodeQuoted(body.replaceAll('=\r\n', '')) : body;
}

/** Words of a header beyond ASCII: `=?UTF-8?Q?…?=`. */
function decodeWords(text: string): string {
  return text
    .replaceAll(/\?= +=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([QB])\?(.*?)\?=/gi, (_, kind: string, word: string) => (kind.toUpperCase() === 'B' ? Buffer.from(word, 'base64').toString('utf8') : decodeQuoted(word.replaceAll('_', ' '))));
}

function decodeQuoted(text: string): string {
  const bytes = text.replaceAll(/=([0-9A-F]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
