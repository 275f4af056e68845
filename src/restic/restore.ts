import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {escapeGlob} from '../shared/file-pattern.ts';
import type {Progress} from '../shared/log.ts';
import {emptyMarker} from './backup.ts';
import {targetError} from './errors.ts';
import {repositoryIsWritable, type ResticHandle} from './handle.ts';
import {parseResticMessage} from './messages.ts';
import {startRestic} from './run.ts';
import {isAtLeast, type ResticVersion} from './version.ts';

export interface RestoreRequest {
  readonly snapshot: string;
  /** An empty directory. */
  readonly target: string;
  /** Restore only this path and what is below it; begins with `/`. */
  readonly path?: string | undefined;
}

/**
 * The argv of a restore that reads every file back and compares it with the repository. restic's patterns are those of
 * Go's filepath.Match, in which a backslash takes the meaning from the next character.
 */
export function restoreArgs(request: RestoreRequest, version: ResticVersion, writable: boolean): string[] {
  return [
    'restore',
    '--verify',
    ...(isAtLeast(version, {major: 0, minor: 16}) ? ['--json'] : []),
    ...(isAtLeast(version, {major: 0, minor: 15}) ? ['--sparse'] : []),
    ...(writable ? [] : ['--no-lock']),
    ...(request.path === undefined ? [] : ['--include', escapeGlob(request.path)]),
    '--target',
    request.target,
    request.snapshot,
  ];
}

/** Restores and verifies. @throws TimetilesError when a single file could not be restored or does not verify */
export async function restoreSnapshot(
  handle: ResticHandle,
  request: RestoreRequest,
  version: ResticVersion,
  onProgress: (progress: Omit<Progress, 'label'>) => void,
): Promise<void> {
  const args = restoreArgs(request, version, repositoryIsWritable(handle));
  const onLine = (line: string) => {
    const message = parseResticMessage(line);
    if (message?.message_type !== 'status') return;
    onProgress({
      bytes: message.bytes_restored ?? 0,
      files: message.files_restored ?? 0,
      ...(message.total_bytes !== undefined && {totalBytes: message.total_bytes}),
    });
  };
  const result = await startRestic(handle, args, {stdout: {onLine}}).result;
  if (result.exitCode !== 0) throw targetError(handle, `restoring snapshot ${request.snapshot.slice(0, 8)}`, request.target, result);
  await rm(join(request.target, emptyMarker), {force: true});
}
