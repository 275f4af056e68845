import {shellWord} from '../../shared/format.ts';
import {keepReadingKeyAway} from './advice.ts';
import {expirySetting, isServerKey, retentionDays, unfinishedSetting} from './lifecycle.ts';
import {keyPrefix} from './statements.ts';
import type {PolicyRequest, PolicyText, Provider} from './types.ts';

/**
 * Cloudflare R2: four token permissions, none of them write-only; bucket locks instead of policies and object lock. Sources: Cloudflare R2,
 * "Authentication" (permissions), "Bucket locks", "S3 API compatibility" (no bucket policies, versioning or object lock), "Object lifecycles".
 */
export const r2Policy: Provider = (request) => {
  const reading = tokenSteps('Token for restore --offsite', 'Object Read only', request);
  if (!isServerKey(request)) return {policies: [reading], settings: [], limits: [keepReadingKeyAway]};
  return {
    policies: [
      tokenSteps('Token of the server', 'Object Read & Write', request),
      reading,
      {title: 'Bucket locks and lifecycle, with an administrator login and not on the server', format: 'commands', text: bucketCommands(request).join('\n')},
    ],
    settings: [
      {name: 'conditional writes', value: 'sent, but not enforced', why: 'R2 honours If-None-Match but has no policies that could demand it; a bucket lock forbids overwriting instead'},
      {name: 'versioning', value: 'not available', why: 'R2 keeps no versions: what is overwritten or deleted is gone, so the lock is all there is'},
      {name: 'bucket lock', value: `${retentionDays(request)} days`, why: 'it forbids to overwrite or delete locked objects, whatever the token may do, and wins over lifecycle rules'},
      unfinishedSetting(),
      expirySetting(request),
    ],
    limits: [
      `R2 tokens have no ${request.level === 'read-write' ? 'level below read-write' : `${request.level} permission`}: Object Read & Write also reads, lists and deletes. What remains are the bucket lock rules.`,
      'Tokens are for whole buckets, not for a prefix: give the backups a bucket of their own.',
      'Whoever holds an Admin Read & Write token or the Cloudflare login can remove a lock rule; there is no compliance mode.',
      'timetiles finds out that this token can delete and takes it for read-write. Pruning offsite fails for what is still locked.',
      ...(request.expireDays > 0 ? [] : ['The lock rules name the directories of the repository one by one, because restic must be able to remove its own files in locks/.']),
      keepReadingKeyAway,
    ],
  };
};

function tokenSteps(title: string, permission: string, {location}: PolicyRequest): PolicyText {
  const steps = ['1. Cloudflare dashboard, R2 object storage, Manage API tokens, Create Account API token.', `2. Permissions: ${permission}.`, `3. Apply to specific buckets only: ${location.bucket}.`, '4. Note the Access Key ID and the Secret Access Key; they are shown once.'];
  return {title, format: 'steps', text: steps.join('\n')};
}

/** With epochs everything below the prefix may be locked; a repository that restic writes itself needs its `locks/` free. */
function lockedPrefixes(request: PolicyRequest): string[] {
  const start = keyPrefix(request.location);
  return request.expireDays > 0 ? [start] : ['config', 'data/', 'index/', 'keys/', 'snapshots/'].map((part) => `${start}${part}`);
}

function bucketCommands(request: PolicyRequest): string[] {
  const bucket = shellWord(request.location.bucket);
  const prefix = keyPrefix(request.location);
  const rule = (kind: string, name: string, start: string, rest: string) => ['npx wrangler r2 bucket', kind, 'add', bucket, name, ...(start === '' ? [] : [shellWord(start)]), rest].join(' ');
  return [
    ...lockedPrefixes(request).map((start, index) => rule('lock', `timetiles-${index + 1}`, start, `--retention-days ${retentionDays(request)}`)),
    rule('lifecycle', 'timetiles-unfinished', prefix, '--abort-multipart-days 7'),
    ...(request.expireDays > 0 ? [rule('lifecycle', 'timetiles-expire', prefix, `--expire-days ${request.expireDays}`)] : []),
  ];
}
