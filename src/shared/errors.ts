import {shellWord} from './format.ts';

/** Exit codes of the contract; see docs/architecture.md. */
export const exitCodes = {done: 0, failed: 1, usage: 2, incomplete: 3, locked: 4, interrupted: 130} as const;

/** The same in the words of help and manual. */
export const exitCodeHelp = 'Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 done but some files could not be read, 4 another run holds the lock, 130 interrupted.';

export type ErrorKind =
  | 'configuration'
  | 'usage'
  | 'docker'
  | 'container'
  | 'database'
  | 'volume'
  /** A disk is full, or too small for what is planned; `room` names it. */
  | 'no-room'
  | 'dump'
  | 'import'
  | 'restore'
  | 'unhealthy'
  | 'hook'
  | 'schedule'
  | 'permission'
  | 'program-missing'
  | 'repository-missing'
  | 'repository-password'
  | 'repository-locked'
  | 'repository-full'
  | 'repository-readonly'
  | 'repository-damaged'
  | 'repository'
  | 'offsite'
  | 'offsite-permission'
  | 'not-found'
  | 'ambiguous'
  | 'locked'
  | 'interrupted'
  | 'timeout'
  | 'doctor'
  | 'alert'
  | 'unexpected';

const exitCodeByKind: Partial<Record<ErrorKind, number>> = {
  configuration: exitCodes.usage,
  usage: exitCodes.usage,
  locked: exitCodes.locked,
  'repository-locked': exitCodes.locked,
  interrupted: exitCodes.interrupted,
};

/** One answer to what is ambiguous: a setting that the operator may write into bootstrap.conf. */
export interface Candidate {
  readonly key: string;
  readonly value: string;
  /** What it stands for, such as `service db, image postgres:17`. */
  readonly description: string;
}

/** Which disk has too little room. */
export interface MissingRoom {
  /** A path on it, as its owner sees it: on this host, or in a container. */
  readonly path: string;
  /** How much is missing; undefined where a write was refused and nothing tells. */
  readonly bytesMissing?: number | undefined;
}

export interface ErrorFacts {
  readonly cause?: unknown;
  /** Of PostgreSQL: what kind of error it was, whatever language its words are in. */
  readonly sqlstate?: string | undefined;
  readonly room?: MissingRoom | undefined;
  /** Where several answers are possible: all of them. `next` has their lines. */
  readonly candidates?: readonly Candidate[];
}

/**
 * An expected failure: what went wrong, and the next step for the operator.
 * The one place that prints it is cli/base-command.ts. No secret may be put into any field.
 */
export class TimetilesError extends Error {
  readonly kind: ErrorKind;
  readonly next: string;
  readonly exitCode: number;
  readonly sqlstate: string | undefined;
  readonly room: MissingRoom | undefined;
  readonly candidates: readonly Candidate[];

  constructor(kind: ErrorKind, message: string, next: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : {cause: facts.cause});
    this.name = 'TimetilesError';
    this.kind = kind;
    this.next = next;
    this.exitCode = exitCodeByKind[kind] ?? exitCodes.failed;
    this.sqlstate = facts.sqlstate;
    this.room = facts.room;
    this.candidates = facts.candidates ?? [];
  }
}

/** The reason given to every AbortSignal of a run when the operator presses Ctrl-C or the host sends SIGTERM. */
export function interruptedError(signalName: string): TimetilesError {
  return new TimetilesError('interrupted', `interrupted by ${signalName}`, 'Nothing half done was kept; run the command again when ready.');
}

/** Anything that a run threw, as an error with kind, exit code and next step. */
export function toTimetilesError(thrown: unknown): TimetilesError {
  if (thrown instanceof TimetilesError) return thrown;
  if (isFullDisk(thrown)) {
    const path = systemPath(thrown);
    if (path !== undefined) return fullDiskError(path, thrown);
    return new TimetilesError('no-room', `a disk is full: ${messageOf(thrown)}`, 'See which one (df -h), free some space there, and run the command again.', {cause: thrown});
  }
  const refused = meansDenied(thrown) ? systemPath(thrown) : undefined;
  if (refused !== undefined) return new TimetilesError('permission', `this user has no right to ${refused}: ${messageOf(thrown)}`, 'Run the command as root: sudo timetiles …', {cause: thrown});
  return new TimetilesError('unexpected', messageOf(thrown), 'This is a defect of timetiles; TIMETILES_DEBUG=1 shows where. Nothing is reported as done.', {cause: thrown});
}

/** A child that died of our SIGINT reports all kinds of things; the operator's wish is the cause, unless there is more to tell. */
export function causeOf(thrown: unknown, signal: AbortSignal): unknown {
  const tellsMore = thrown instanceof TimetilesError && (thrown.kind === 'restore' || thrown.kind === 'interrupted');
  return signal.aborted && !tellsMore ? signal.reason : thrown;
}

/** The message of anything that was thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

/** The value of `code` on a Node system error such as ENOENT, else undefined. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether a system error says that there is nothing at a path. */
export function meansMissing(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Whether a system error says that this user may not do that. */
export function meansDenied(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'EACCES' || code === 'EPERM';
}

/** The path that a Node system error is about, where it tells. */
function systemPath(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('path' in error)) return undefined;
  return typeof error.path === 'string' ? error.path : undefined;
}

/** Whether a system error says that nothing more can be written: the disk or a quota is used up. */
export function isFullDisk(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** A write to a path of this host was refused for want of room. */
export function fullDiskError(path: string, cause: unknown): TimetilesError {
  return new TimetilesError('no-room', `the disk of ${path} is full`, `Free some space on it (df -h ${shellWord(path)}; df -i tells whether it has no inodes left), then run the command again.`, {cause, room: {path}});
}
