import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, onTestFinished} from 'vitest';
import {TimetilesError, type ErrorKind} from '../../src/shared/errors.ts';

/** A directory that goes away with the test. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'timetiles-unit-'));
  onTestFinished(() => rmSync(path, {recursive: true, force: true}));
  return path;
}

/** The error that some work throws; a test that gets none fails. */
export async function thrownBy(work: () => unknown): Promise<TimetilesError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof TimetilesError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** What such an error looks like: kind, message and next step. */
export function problem(kind: ErrorKind, message: string | RegExp, next: string | RegExp = /./): object {
  return {kind, message: textLike(message), next: textLike(next)};
}

function textLike(pattern: string | RegExp): unknown {
  return typeof pattern === 'string' ? expect.stringContaining(pattern) : expect.stringMatching(pattern);
}
