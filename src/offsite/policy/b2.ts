import {shellWord} from '../../shared/format.ts';
import {keepReadingKeyAway, levelLimits} from './advice.ts';
import {expirySetting, isServerKey, lockSettings, noncurrentDays, noncurrentSetting, retentionDays, unfinishedSetting} from './lifecycle.ts';
import {keyPrefix} from './statements.ts';
import type {PolicyLevel, PolicyRequest, PolicyText, Provider} from './types.ts';

const capabilities: Readonly<Record<PolicyLevel, string>> = {
  'write-only': 'writeFiles',
  'append-only': 'listBuckets,listFiles,readFiles,writeFiles',
  'read-write': 'listBuckets,listFiles,readFiles,writeFiles,deleteFiles',
  reading: 'listBuckets,listFiles,readFiles',
};

/**
 * Backblaze B2: capabilities of application keys instead of policies, file lock, its own lifecycle rules. Sources: Backblaze,
 * "Application Key Capabilities", "S3-Compatible App Keys" (writeFiles is enough to delete by name, that is to hide), "Key Create Command",
 * "Bucket Update Command", "Lifecycle Rules".
 */
export const b2Policy: Provider = (request) => {
  const {level} = request;
  const readingKey: PolicyText = {title: 'Application key for restore --offsite', format: 'commands', text: keyCommand(request, 'reading')};
  const atLogin = 'Backblaze asks for listAllBucketNames in keys for one bucket, for programs that list the buckets first. Neither timetiles nor restic does; the key is smaller without.';
  if (!isServerKey(request)) return {policies: [readingKey], settings: [], limits: [atLogin, keepReadingKeyAway]};
  return {
    policies: [
      {title: `Application key of the server (${level}): ${capabilities[level]}`, format: 'commands', text: keyCommand(request, level)},
      readingKey,
      {title: 'Bucket: file lock, default retention, and the one safe lifecycle rule', format: 'commands', text: bucketCommands(request).join('\n')},
    ],
    settings: [
      {name: 'conditional writes', value: 'not available', why: 'B2 answers 501 to If-None-Match; timetiles notices and goes on without, and the versions do the work'},
      {name: 'versioning', value: 'always on', why: 'B2 keeps each upload of a name as a version of its own until a lifecycle rule or deleteFiles removes it'},
      ...lockSettings(request, 'called file lock; new or existing bucket'),
      unfinishedSetting(),
      {...noncurrentSetting(request), name: 'lifecycle: hidden versions', value: `delete ${noncurrentDays(request)} days after they were hidden or overwritten`},
      expirySetting(request),
    ],
    limits: [
      'writeFiles lets a thief hide files (a delete by name) and upload over them. The versions stay until the lifecycle rule removes them: unhide or copy them back within that time; file lock keeps them longer.',
      'B2 has no permission for new names only, so overwriting cannot be forbidden, only be undone.',
      'Give no key deleteFiles, writeBuckets, writeBucketRetentions, writeFileRetentions, bypassGovernance or writeKeys; writeKeys alone is the whole account.',
      atLogin,
      'b2 bucket update replaces all lifecycle rules: add the others of this bucket to the command. No rule\'s prefix may begin with that of another.',
      ...levelLimits(level),
      keepReadingKeyAway,
    ],
  };
};

function keyCommand({location}: PolicyRequest, level: PolicyLevel): string {
  const prefix = keyPrefix(location);
  const name = level === 'reading' ? 'timetiles-reading' : 'timetiles-server';
  return ['b2 key create', `--bucket ${shellWord(location.bucket)}`, ...(prefix === '' ? [] : [`--name-prefix ${shellWord(prefix)}`]), name, capabilities[level]].join(' ');
}

function bucketCommands(request: PolicyRequest): string[] {
  const bucket = shellWord(request.location.bucket);
  const rule = {
    fileNamePrefix: keyPrefix(request.location),
    daysFromUploadingToHiding: request.expireDays > 0 ? request.expireDays : null,
    daysFromHidingToDeleting: noncurrentDays(request),
    daysFromStartingToCancelingUnfinishedLargeFiles: 7,
  };
  return [
    `b2 bucket update --file-lock-enabled ${bucket}`,
    `b2 bucket update --default-retention-mode compliance --default-retention-period "${retentionDays(request)} days" ${bucket}`,
    `b2 bucket update --lifecycle-rule ${shellWord(JSON.stringify(rule))} ${bucket}`,
  ];
}
