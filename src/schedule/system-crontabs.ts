import {chmod, chown, open, readdir, readFile, realpath, rename, rm, stat} from 'node:fs/promises';
import {userInfo} from 'node:os';
import {basename, dirname, join} from 'node:path';
import {systemCode} from '../shared/errors.ts';
import {readCrontab, writeCrontab} from './crontab.ts';

/** A crontab that is not the invoking user's own. */
export interface OtherCrontab {
  /** For messages: a path, or `crontab of NAME`. */
  readonly name: string;
  /** Its lines name a user. */
  readonly namesUser: boolean;
  /** One character per byte. */
  readonly text: string;
  /** Writes it, whole or not at all. @throws Error with a system code where this user may not */
  write(text: string): Promise<void>;
}

/** Where Debian's and other crons keep the crontabs of users. */
const spools = ['/var/spool/cron/crontabs', '/var/spool/cron'];

/** The crontabs of the system and, for root, those of other users. What cannot be read is left out. */
export async function readOtherCrontabs(): Promise<OtherCrontab[]> {
  const {uid, username} = userInfo();
  const names = await namesIn('/etc/cron.d');
  // cron reads no others; what is being written here has a dot in its name.
  const files = ['/etc/crontab', ...names.filter((name) => /^[\w-]+$/.test(name)).map((name) => join('/etc/cron.d', name))];
  const system = await Promise.all(files.map(readSystemFile));
  const users = uid === 0 ? [...new Set((await Promise.all(spools.map(namesIn))).flat())].filter((name) => name !== username && /^[a-z_][\w.-]*$/i.test(name)) : [];
  const ofUsers = await Promise.all(users.map(readOfUser));
  return [...system, ...ofUsers].flatMap((found) => found ?? []);
}

async function namesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, {withFileTypes: true}).catch(() => []);
  return entries.filter((entry) => entry.isFile() || entry.isSymbolicLink()).map(({name}) => name).toSorted();
}

async function readSystemFile(path: string): Promise<OtherCrontab | undefined> {
  const text = await readFile(path, 'latin1').catch((error: unknown) => {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  });
  return text === undefined ? undefined : {name: path, namesUser: true, text, write: (wanted) => replaceFile(path, wanted)};
}

async function readOfUser(user: string): Promise<OtherCrontab | undefined> {
  const text = await readCrontab(user).catch(() => undefined);
  return text === undefined ? undefined : {name: `crontab of ${user}`, namesUser: false, text, write: async (wanted) => void (await writeCrontab(wanted, user))};
}

/** Owner and mode stay: cron runs no file that others could have written. */
async function replaceFile(path: string, text: string): Promise<void> {
  const target = await realpath(path);
  const {mode, uid, gid} = await stat(target);
  const beside = join(dirname(target), `.${basename(target)}.timetiles-new`);
  try {
    const file = await open(beside, 'w', 0o600);
    try {
      await file.writeFile(text, 'latin1');
      await file.sync();
    } finally {
      await file.close();
    }
    await chown(beside, uid, gid);
    await chmod(beside, mode & 0o7777);
    await rename(beside, target);
  } catch (error) {
    await rm(beside, {force: true});
    throw error;
  }
}
