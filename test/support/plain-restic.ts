import {readdirSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {execa} from 'execa';
import type {ResticAge} from './restic.ts';
import type {Stack} from './stack.ts';

/** Which repository, read by which restic. */
export interface PlainResticOptions {
  /** The newest unless told. */
  restic?: ResticAge;
  /** The stack's own unless told. */
  repository?: string;
  /** What else it needs to get there, such as the keys of a bucket. */
  env?: Record<string, string>;
}

/** What restic itself says of a snapshot. */
export interface PlainSnapshot {
  id: string;
  time: string;
  tags: string[];
}

/** Runs restic as somebody would who has the password and no timetiles. Leaves no lock and no cache. */
export async function plainRestic(stack: Stack, args: string[], options: PlainResticOptions = {}): Promise<string> {
  const result = await execa(stack.bench.restic[options.restic ?? 'newest'], ['--no-lock', '--no-cache', ...args], {
    env: plainResticEnvironment(stack, options),
    maxBuffer: 512 * 1024 * 1024,
    stripFinalNewline: false,
  });
  return result.stdout;
}

/** The environment that lets a plain restic open a stack's repository. */
export function plainResticEnvironment(stack: Stack, options: PlainResticOptions = {}): Record<string, string> {
  return {
    RESTIC_REPOSITORY: options.repository ?? stack.repository,
    RESTIC_PASSWORD: 'a bench password',
    HOME: stack.userHome,
    PATH: `${dirname(stack.bench.restic[options.restic ?? 'newest'])}:${process.env['PATH'] ?? ''}`,
    ...options.env,
  };
}

/** Every snapshot in a repository, oldest first. */
export async function plainSnapshots(stack: Stack, options: PlainResticOptions = {}): Promise<PlainSnapshot[]> {
  return JSON.parse(await plainRestic(stack, ['snapshots', '--json'], options));
}

/**
 * The names of a repository's files of one kind: a look at the disk takes no time. What a killed restic was about to
 * write has another name, and no restic minds it.
 */
export function repositoryFiles(repository: string, kind: 'locks' | 'snapshots'): string[] {
  return readdirSync(join(repository, kind)).filter((name) => /^[0-9a-f]{64}$/.test(name)).toSorted();
}

/** A dump without the random token that newer versions of pg_dump write at both ends. */
export function withoutToken(dump: string): string {
  return dump.replaceAll(/^\\(un)?restrict [A-Za-z0-9]*\n/gm, '');
}
