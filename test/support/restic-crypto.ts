import {createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync} from 'node:crypto';
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';

/** The key that all files of a repository are sealed with, as restic's design document has it. */
export interface MasterKey {
  /** AES-256. */
  encrypt: Buffer;
  /** AES-128 for the nonce of the authentication code. */
  k: Buffer;
  /** Poly1305. */
  r: Buffer;
}

/** Opens the first key of a repository. */
export function openMasterKey(repository: string, password: string): MasterKey {
  const [name = ''] = readdirSync(join(repository, 'keys'));
  const {N, r, p, salt, data} = JSON.parse(readFileSync(join(repository, 'keys', name), 'utf8'));
  const derived = scryptSync(password, Buffer.from(salt, 'base64'), 64, {N, r, p, maxmem: 256 * N * r});
  const {encrypt, mac} = JSON.parse(open(keyFrom(derived), Buffer.from(data, 'base64')).toString());
  return {encrypt: Buffer.from(encrypt, 'base64'), k: Buffer.from(mac.k, 'base64'), r: Buffer.from(mac.r, 'base64')};
}

/**
 * Adds a key that costs next to nothing to derive, where restic's own takes most of a second. No key for real use.
 * @returns its id
 */
export function addCheapKey(repository: string, master: MasterKey, password: string): string {
  const [N, r, p, salt] = [16, 1, 1, randomBytes(64)];
  const sealed = seal(keyFrom(scryptSync(password, salt, 64, {N, r, p})), Buffer.from(JSON.stringify({mac: {k: master.k.toString('base64'), r: master.r.toString('base64')}, encrypt: master.encrypt.toString('base64')})));
  const key = {created: new Date().toISOString(), username: 'test', hostname: 'test', kdf: 'scrypt', N, r, p, salt: salt.toString('base64'), data: sealed.toString('base64')};
  return store(repository, 'keys', Buffer.from(JSON.stringify(key)));
}

/**
 * Makes an empty repository whose only key is a cheap one, as restic's design document has it. Tests start restic hundreds
 * of times; what it costs to derive a real key, and to find out how much it shall cost, is none of their business.
 * @returns its id
 */
export async function makeEmptyRepository(repository: string, password: string): Promise<string> {
  for (const name of ['data', 'index', 'keys', 'locks', 'snapshots']) await mkdir(join(repository, name), {recursive: true, mode: 0o700});
  const master = {encrypt: randomBytes(32), k: randomBytes(16), r: randomBytes(16)};
  // The polynomial is the design document's example.
  const config = {version: 2, id: randomBytes(32).toString('hex'), chunker_polynomial: '25b468838dcb75'};
  addCheapKey(repository, master, password);
  writeFileSync(join(repository, 'config'), seal(master, Buffer.from(JSON.stringify(config))), {mode: 0o400});
  return config.id;
}

/** Writes a snapshot file; restic reads it as one of its own. @returns its id */
export function writeSnapshot(repository: string, master: MasterKey, snapshot: Readonly<Record<string, unknown>>): string {
  return store(repository, 'snapshots', seal(master, Buffer.from(JSON.stringify(snapshot))));
}

function store(repository: string, kind: 'keys' | 'snapshots', content: Buffer): string {
  const name = createHash('sha256').update(content).digest('hex');
  writeFileSync(join(repository, kind, name), content, {mode: 0o400});
  return name;
}

function keyFrom(derived: Buffer): MasterKey {
  return {encrypt: derived.subarray(0, 32), k: derived.subarray(32, 48), r: derived.subarray(48, 64)};
}

function seal({encrypt, ...mac}: MasterKey, plain: Buffer): Buffer {
  const nonce = randomBytes(16);
  const cipher = createCipheriv('aes-256-ctr', encrypt, nonce);
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, sealed, authenticate(mac, nonce, sealed)]);
}

function open({encrypt, ...mac}: MasterKey, content: Buffer): Buffer {
  const [nonce, sealed, tag] = [content.subarray(0, 16), content.subarray(16, -16), content.subarray(-16)];
  if (!authenticate(mac, nonce, sealed).equals(tag)) throw new Error('the password does not open this key');
  const decipher = createDecipheriv('aes-256-ctr', encrypt, nonce);
  return Buffer.concat([decipher.update(sealed), decipher.final()]);
}

/** Poly1305-AES; Node has no Poly1305 of its own, and what is authenticated here is small. */
function authenticate({k, r}: Pick<MasterKey, 'k' | 'r'>, nonce: Buffer, message: Buffer): Buffer {
  const cipher = createCipheriv('aes-128-ecb', k, null).setAutoPadding(false);
  const pad = littleEndian(Buffer.concat([cipher.update(nonce), cipher.final()]));
  const prime = 2n ** 130n - 5n;
  const clamped = littleEndian(r) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let start = 0; start < message.length; start += 16) {
    const block = message.subarray(start, start + 16);
    sum = ((sum + littleEndian(block) + 2n ** BigInt(8 * block.length)) * clamped) % prime;
  }
  const tag = (sum + pad) % 2n ** 128n;
  return Buffer.from(Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').toReversed());
}

function littleEndian(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex') || '0'}`);
}
