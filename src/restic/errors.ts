import {describeEnd, type CommandResult} from '../process/run.ts';
import {fullDiskError, TimetilesError, type ErrorKind} from '../shared/errors.ts';
import {shellWord} from '../shared/format.ts';
import {withoutPassword} from '../shared/redact.ts';
import {findDamagedKeys} from './digests.ts';
import {isLocal, repositoryExists, type ResticHandle} from './handle.ts';

/**
 * restic's exit codes (restic manual, "Exit codes"): 10 to 12 exist from 0.17 on, older versions say it in words alone.
 */
const kindByExitCode: Readonly<Record<number, ErrorKind>> = {
  10: 'repository-missing',
  11: 'repository-locked',
  12: 'repository-password',
  130: 'interrupted',
};

const kindByText: readonly (readonly [RegExp, ErrorKind])[] = [
  [/no space left on device|disk quota exceeded/i, 'repository-full'],
  [/wrong password or no key found/i, 'repository-password'],
  [/repository is already locked/i, 'repository-locked'],
  [/read-only file system/i, 'repository-readonly'],
  // Before the next one: a config file that this user may not read is there all the same.
  [/permission denied/i, 'permission'],
  [/ciphertext verification failed|\/data\/[0-9a-f]{2}\/[0-9a-f]{64}: no such file|<data\/[0-9a-f]+>.* does not exist|not found in (the )?(index|repository)|invalid data returned/i, 'repository-damaged'],
  [/unable to open config file|is there a repository at the following location/i, 'repository-missing'],
];

/** Which of the known failures a run of restic was. The disk's state is looked for first: it hides behind other exit codes. */
export function classifyResticFailure(exitCode: number | undefined, stderr: string): ErrorKind {
  const byText = kindByText.find(([pattern]) => pattern.test(stderr))?.[1];
  if (byText === 'repository-full' || byText === 'repository-readonly') return byText;
  return (exitCode === undefined ? undefined : kindByExitCode[exitCode]) ?? byText ?? 'repository';
}

/** Makes the error for a failed run of restic, with the remedy that fits its cause. */
export function resticError(handle: ResticHandle, action: string, result: CommandResult): TimetilesError {
  const kind = classifyResticFailure(result.exitCode, result.stderr);
  const crash = crashIn(result.stderr);
  if (crash !== undefined) {
    return new TimetilesError(isLocal(handle) ? kind : 'offsite', `${action} failed: restic broke off: ${crash}`, 'See whether the host is short of memory or of processes (free -m; ulimit -u; dmesg | tail), then run the command again.');
  }
  const said = lastWords(result.stderr) || describeEnd(result);
  if (!isLocal(handle)) return remoteError(kind, action, withoutPassword(handle.repository), said);
  const keys = (kind === 'repository' || kind === 'repository-password') && repositoryExists(handle) ? guiltyKeys(handle, said) : [];
  if (keys.length > 0) return damagedKeysError(handle.repository, keys);
  return new TimetilesError(kind, headline(kind, action, handle.repository, said), remedy(kind, handle.repository));
}

/**
 * The damaged keys that keep restic from a repository: newer versions stumble over a damaged one although another may
 * open it, older ones say anything, and to both a damaged one may look like one of another password.
 */
function guiltyKeys(handle: ResticHandle, said: string): string[] {
  const {damaged, sound} = findDamagedKeys(handle);
  return sound === 0 || /<key\/|wrong password/.test(said) ? damaged : [];
}

function damagedKeysError(repository: string, keys: readonly string[]): TimetilesError {
  const names = keys.map((id) => id.slice(0, 8)).join(', ');
  const which = keys.length === 1 ? `its key ${names} is damaged` : `its keys ${names} are damaged`;
  return new TimetilesError('repository-damaged', `the password cannot open the repository ${repository}: ${which}`, keyRemedy(repository, keys));
}

/** How to get a damaged key back, or out of the way of a sound one. */
export function keyRemedy(repository: string, keys: readonly string[]): string {
  const paths = keys.map((id) => shellWord(`${repository}/keys/${id}`)).join(' ');
  return `Put the file back from the emergency kit, or from an epoch of the offsite copy, which has the same keys: ${paths}. Where another key is left, it is enough to move this one away: mv ${paths} /root/`;
}

/** A repository elsewhere has neither a disk to free nor a mount to look at. */
function remoteError(kind: ErrorKind, action: string, url: string, said: string): TimetilesError {
  switch (kind) {
    case 'repository-password':
      return new TimetilesError(kind, `the password does not open the offsite repository ${url}`, 'Both repositories have one password, RESTIC_PASSWORD. A repository that was made with another one: restic key add');
    case 'repository-missing':
      return new TimetilesError(kind, `there is no restic repository at ${url}`, 'Check RESTIC_OFFSITE_REPOSITORY; the first `timetiles backup --offsite` makes the copy.');
    case 'repository-locked':
      return new TimetilesError(kind, `the offsite repository ${url} is locked by another restic (${said})`, 'Wait until it has ended; locks that nobody renews for half an hour are removed by the next run.');
    case 'repository-damaged':
      return new TimetilesError(kind, `${action} failed at ${url}: ${said}`, 'Look at the copy: timetiles backup verify --offsite');
    case 'interrupted':
      return new TimetilesError(kind, `${action} was interrupted`, 'Run the command again when ready.');
    default:
      return new TimetilesError('offsite', `${action} failed at ${url}: ${said}`, 'Check the network, the credentials and RESTIC_OFFSITE_REPOSITORY.');
  }
}

/** The same for a run that writes to a directory of this host, whose disk may be the full one. */
export function targetError(handle: ResticHandle, action: string, target: string, result: CommandResult): TimetilesError {
  const error = resticError(handle, action, result);
  // All that such a run writes to the repository is its lock.
  if (error.kind !== 'repository-full' || /unable to create lock/i.test(result.stderr)) return error;
  return fullDiskError(target, error);
}

function headline(kind: ErrorKind, action: string, repository: string, said: string): string {
  const texts: Partial<Record<ErrorKind, string>> = {
    'repository-password': `the password does not open the repository ${repository}`,
    'repository-missing': `there is no restic repository at ${repository}`,
    'repository-locked': `the repository ${repository} is locked by another restic (${said})`,
    'repository-full': `the disk of the repository ${repository} is full`,
    'repository-readonly': `the repository ${repository} is on a read-only file system`,
    permission: `the repository ${repository} cannot be used by this user (${said})`,
  };
  return texts[kind] ?? `${action} failed: ${said}`;
}

function remedy(kind: ErrorKind, repository: string): string {
  const path = shellWord(repository);
  const texts: Partial<Record<ErrorKind, string>> = {
    'repository-password': 'Set RESTIC_PASSWORD to the password that the repository was made with (bootstrap.conf, .env.production or the environment; the later wins).',
    'repository-missing': 'Check RESTIC_REPOSITORY and whether its disk is mounted; the first `timetiles backup` makes a repository.',
    'repository-locked': `Wait until it has ended. If it runs on no host any more: restic -r ${path} unlock`,
    'repository-full': `Free some space on it (df -h ${path}), then run the command again; what was stored before is intact.`,
    'repository-readonly': `Mount it for writing: mount -o remount,rw … (findmnt --target ${path} names the file system).`,
    permission: 'Run the command as the owner of the repository, usually root: sudo timetiles …',
  };
  return texts[kind] ?? (kind === 'repository-damaged' ? 'See what is damaged and how to repair it: timetiles backup verify --read-data' : `Look at the repository with: restic -r ${path} check`);
}

/** Lines of restic that add nothing to the one that says what is wrong. */
const sideRemarks = /^(Is there a repository|\/\S*$|the .unlock. command|lock was created|storage ID|repo already locked|removed snapshot)/i;

/** How Go begins to tell why a program of its own cannot go on; a long trace follows. */
const crashWords = /^(?:fatal error|panic|runtime|SIG[A-Z]+): /;

/** Why restic broke off in the middle of its work: the first such line, and what is fatal of it where that is another. */
function crashIn(stderr: string): string | undefined {
  if (!/^goroutine \d+ /m.test(stderr)) return undefined;
  const lines = stderr.split('\n').map((line) => line.trim()).filter((line) => crashWords.test(line));
  const fatal = lines.find((line) => /^(?:fatal error|panic): /.test(line));
  return lines.length === 0 ? undefined : [...new Set([lines[0], ...(fatal === undefined ? [] : [fatal])])].join('; ');
}

/** The file of a frame in the trace that restic prints with an error it did not expect; the function stands on the line before. */
const frameFile = /^\t\S+\.(?:go|s):\d+/;

/** The last line that says something, without restic's own "Fatal:"; newer versions speak JSON, even on stderr. */
function lastWords(stderr: string): string {
  const printed = stderr.split('\n').flatMap((line) => plainText(line.trimEnd()).split('\n'));
  const isFrameFile = (index: number) => frameFile.test(printed[index] ?? '');
  // The cause comes first, and what it was met with follows; each has a trace of its own.
  const traced = printed.filter((_, index) => isFrameFile(index + 2) && !isFrameFile(index) && !isFrameFile(index + 1));
  const lines = printed.map((line) => line.trim()).filter((line) => line !== '' && !sideRemarks.test(line));
  const fatal = lines.findLast((line) => line.startsWith('Fatal:'));
  const unexpected = traced.length > 0 ? traced.toReversed().join(': ') : undefined;
  return (fatal ?? unexpected ?? lines.at(-1) ?? '').replace(/^Fatal:\s*|^unable to create lock in backend:\s*/, '');
}

function plainText(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed !== 'object' || parsed === null) return line;
    if ('message' in parsed && typeof parsed.message === 'string') return parsed.message;
    if ('error' in parsed && typeof parsed.error === 'object' && parsed.error !== null && 'message' in parsed.error) {
      return String(parsed.error.message);
    }
    return '';
  } catch {
    return line;
  }
}
