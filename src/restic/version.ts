import {TimetilesError} from '../shared/errors.ts';
import type {ResticHandle} from './handle.ts';
import {runResticAlone} from './run.ts';

export interface ResticVersion {
  readonly text: string;
  readonly major: number;
  readonly minor: number;
}

/** The oldest restic that is supported and tested: Debian 12's. */
const oldestRestic = {major: 0, minor: 14} as const;

export function parseResticVersion(output: string): ResticVersion | undefined {
  const match = /^restic (\d+)\.(\d+)(\S*)/.exec(output);
  if (!match) return undefined;
  return {text: `${match[1]}.${match[2]}${match[3]}`, major: Number(match[1]), minor: Number(match[2])};
}

export function isAtLeast(version: ResticVersion, wanted: {readonly major: number; readonly minor: number}): boolean {
  return version.major > wanted.major || (version.major === wanted.major && version.minor >= wanted.minor);
}

/**
 * Asks the installed restic for its version.
 * @throws TimetilesError `program-missing` when there is none or it is older than 0.14
 */
export async function resticVersion(handle: ResticHandle): Promise<ResticVersion> {
  const result = await runResticAlone(handle, ['version']);
  const version = parseResticVersion(result.stdout);
  const remedy = 'Install restic 0.14 or newer: apt-get install restic';
  if (!version) throw new TimetilesError('program-missing', `restic does not tell its version: ${result.stdout.trim() || result.stderr.trim()}`, remedy);
  if (!isAtLeast(version, oldestRestic)) throw new TimetilesError('program-missing', `restic ${version.text} is too old`, remedy);
  return version;
}
