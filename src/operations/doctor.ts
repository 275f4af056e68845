import {accessSync, constants, existsSync, statSync} from 'node:fs';
import {dirname, isAbsolute} from 'node:path';
import {dockerVersion} from '../docker/client.ts';
import {repositoryExists, repositoryIsWritable} from '../restic/handle.ts';
import {listSnapshots} from '../restic/snapshots.ts';
import {TimetilesError} from '../shared/errors.ts';
import {formatAge, formatBytes, plural, shellWord} from '../shared/format.ts';
import {freeBytes} from '../shared/free-space.ts';
import {nearestExisting} from '../shared/path-exists.ts';
import type {Context} from './context.ts';
import {damagedState} from './damaged-state.ts';
import {attempt, type Check} from './doctor-check.ts';
import {checkSources} from './doctor-sources.ts';
import {readJournal} from './journal.ts';
import {describeOrphan, findOrphans} from './leftovers.ts';
import {checkOffsite} from './offsite/check.ts';
import {finishInterruptedRestoreIfIdle} from './recover.ts';
import {requireKnownRepository} from './repository.ts';
import {groupSets, isWholeBackup} from './sets.ts';

/** Looks at configuration and host; changes nothing but what a killed restore left. Never throws for what it finds. */
export async function examine(context: Context): Promise<Check[]> {
  const checks: Check[] = [...checkFiles(context), ...checkReferences(context)];
  checks.push(await attempt('restic', async () => `restic ${(await context.resticVersion()).text}`));
  checks.push(await attempt('Docker', async () => `Docker ${await dockerVersion(await context.docker())}`));
  checks.push(...(await checkSources(context)));
  const {repository, newest} = await checkRepository(context);
  checks.push(...damagedState(context).map((message) => ({name: 'state', state: 'warn' as const, message})));
  checks.push(...(await findOrphans(context)).map((orphan) => ({name: 'leftover', state: 'warn' as const, ...describeOrphan(orphan)})));
  checks.push(repository, checkClock(context, newest), checkSpace(context), await attempt('offsite', () => checkOffsite(context)), await attempt('restore', () => checkJournal(context)));
  return checks;
}

function checkFiles(context: Context): Check[] {
  const {files, home} = context.configuration;
  if (files.length === 0) {
    return [{name: 'configuration', state: 'warn', message: `no file was read; ${home} has neither bootstrap.conf nor .env.production`, remedy: 'Cron does not see the variables of your shell: write them into bootstrap.conf, mode 0600.'}];
  }
  const passwordFile = context.configuration.resticEnvironment['RESTIC_PASSWORD_FILE'];
  const secretFiles = [...files, ...(passwordFile === undefined || !existsSync(passwordFile) ? [] : [{path: passwordFile, mode: statSync(passwordFile).mode & 0o7777}])];
  return secretFiles.map((file) => {
    const mode = file.mode.toString(8).padStart(4, '0');
    if ((file.mode & 0o077) === 0) return {name: 'configuration', state: 'ok', message: `${file.path}, mode ${mode}`};
    return {name: 'configuration', state: 'warn', message: `${file.path} has the mode ${mode}: others can read or change it`, remedy: `chmod 600 ${shellWord(file.path)}`};
  });
}

/** What refers to a variable that is not there: no mail without a sender, no backup without a database. */
function checkReferences({configuration}: Context): Check[] {
  return [...configuration.unexpanded].map(([key, {message, next}]) => {
    const state = /^(EMAIL|ALERT|HEARTBEAT)_/.test(key) ? 'warn' : 'fail';
    return {name: 'configuration', state, message, remedy: next};
  });
}

async function checkRepository(context: Context): Promise<{repository: Check; newest?: Date | undefined}> {
  const {repository} = context.restic;
  let newest: Date | undefined;
  const check = await attempt('repository', async () => {
    if (!repositoryExists(context.restic)) {
      requireKnownRepository(context);
      requirePlaceFor(repository);
      return `${repository} does not exist yet; the first backup makes it`;
    }
    if (!repositoryIsWritable(context.restic)) throw new TimetilesError('repository-readonly', `${repository} cannot be written to`, 'Mount its disk for writing, or run as its owner, usually root.');
    const sets = groupSets(await listSnapshots(context.restic, 'timetiles'));
    newest = sets.find(isWholeBackup)?.time;
    const age = newest === undefined ? '' : `, the newest complete one made ${formatAge(newest, context.clock.now())}`;
    return `${repository} opens: ${plural(sets.length, 'set')}${age}`;
  });
  return {repository: check, newest};
}

/** What is not there yet has to be made by this user. */
function requirePlaceFor(repository: string): void {
  if (!isAbsolute(repository)) return;
  const parent = nearestExisting(repository);
  if (!statSync(parent).isDirectory()) throw new TimetilesError('configuration', `the repository path ${repository} leads through the file ${parent}`, 'Correct RESTIC_REPOSITORY.');
  try {
    accessSync(parent, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new TimetilesError('permission', `${repository} does not exist yet, and this user may not make it: ${parent} cannot be written to`, 'Mount its disk for writing, or run the command as root: sudo timetiles …', {cause: error});
  }
}

function checkClock(context: Context, newest: Date | undefined): Check {
  const now = context.clock.now();
  if (now.getUTCFullYear() < 2026) {
    return {name: 'clock', state: 'warn', message: `the clock says ${now.toISOString()}, before this tool was made`, remedy: 'Set the clock: timedatectl set-ntp true'};
  }
  if (newest === undefined || newest <= now) return {name: 'clock', state: 'ok', message: now.toISOString()};
  return {name: 'clock', state: 'warn', message: `the clock says ${now.toISOString()}, but the newest set is of ${newest.toISOString()}`, remedy: 'Set the clock: timedatectl set-ntp true. Until then `latest` is a set from the future.'};
}

function checkSpace(context: Context): Check {
  let path = context.restic.repository;
  while (!existsSync(path)) path = dirname(path);
  const free = freeBytes(path);
  const minimum = context.settings.BACKUP_MIN_FREE_GB * 1e9;
  const message = `${formatBytes(free)} free at ${path}`;
  if (free >= minimum) return {name: 'free space', state: 'ok', message};
  return {name: 'free space', state: 'fail', message: `only ${message}`, remedy: `Free some space (df -h ${shellWord(path)}), or lower BACKUP_MIN_FREE_GB, now ${context.settings.BACKUP_MIN_FREE_GB}.`};
}

async function checkJournal(context: Context): Promise<string | {warning: string}> {
  await finishInterruptedRestoreIfIdle(context);
  return readJournal(context) ? {warning: 'a restore is running'} : 'no restore is unfinished';
}
