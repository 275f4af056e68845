import {createHash, createHmac, pbkdf2Sync, randomBytes} from 'node:crypto';

/** What PostgreSQL itself takes. */
const iterations = 4096;
const keyLength = 32;

/**
 * What PostgreSQL stores in the place of a password (RFC 5803). Sent instead of it, so that no log of the server can show it. Pure but for
 * the salt.
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, keyLength, 'sha256');
  const keyed = (text: string) => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(keyed('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${keyed('Server Key').toString('base64')}`;
}
