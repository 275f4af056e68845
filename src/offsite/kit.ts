import {shellWord} from '../shared/format.ts';
import {withoutPassword} from '../shared/redact.ts';
import {kitFilesText, type KitFile} from './kit-files.ts';
import {parseS3Location} from './s3/location.ts';
import type {BucketLocation, PolicyLevel} from './policy/types.ts';

interface KitOffsite {
  /** RESTIC_OFFSITE_REPOSITORY. */
  readonly url: string;
  readonly kind: 's3' | 'other';
  readonly location?: BucketLocation | undefined;
  readonly region?: string | undefined;
  /** Scheme, host and port of the service. */
  readonly endpoint?: string | undefined;
  /** The current epoch as restic takes it: `s3:https://host/bucket/prefix/<id>/<epoch>`. */
  readonly epochUrl?: string | undefined;
  /** The access key id in use; never the secret. */
  readonly keyId?: string | undefined;
  /** What that key may do, if it is known. */
  readonly level?: PolicyLevel | undefined;
}

/** Everything the kit says. It has no place for a password or a secret key. */
export interface KitFacts {
  readonly made: Date;
  readonly host: string;
  readonly project: string;
  readonly toolVersion: string;
  readonly localPath: string;
  readonly repositoryId: string;
  readonly offsite: KitOffsite | undefined;
  /** `config` and `keys/<id>` of the repository. */
  readonly files: readonly KitFile[];
}

/** The emergency kit: a text to print and keep beside the password, which it does not contain. */
export function kitText(facts: KitFacts): string {
  return [title(facts), whereText(facts), keyText(facts), commandsText(facts), ...kitFilesText(facts.files, uploadTarget(facts))].join('\n\n');
}

/** The repository to give to restic: the current epoch, else the URL as configured, without a password in it. */
export function kitRepository({offsite, localPath}: Pick<KitFacts, 'offsite' | 'localPath'>): string {
  if (offsite === undefined) return localPath;
  return withoutPassword(offsite.epochUrl ?? offsite.url);
}

function title({made, host, project, toolVersion}: KitFacts): string {
  const head = `TIMETILES EMERGENCY KIT: ${project} on ${host}`;
  return [
    head,
    '='.repeat(head.length),
    `Made ${made.toISOString()} by timetiles ${toolVersion}.`,
    '',
    'With this sheet, the repository password and a reading key anyone can restore the backups of',
    'this server on another machine. The password is NOT in here: write it on a second sheet and',
    'keep both, apart from the server. Without the password nothing can be restored, by anybody.',
  ].join('\n');
}

function whereText(facts: KitFacts): string {
  const {offsite, localPath, repositoryId} = facts;
  const rows: (readonly [string, string | undefined])[] = [
    ['Repository id', repositoryId],
    ['Local repository', localPath],
    ['Offsite URL', offsite === undefined ? 'none is configured' : withoutPassword(offsite.url)],
    ['Endpoint', offsite?.endpoint],
    ['Bucket', offsite?.location?.bucket],
    ['Prefix', offsite?.location === undefined ? undefined : offsite.location.prefix || '(none)'],
    ['Region', offsite?.region],
    ['Current epoch', offsite?.epochUrl],
  ];
  const lines = rows.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name.padEnd(17)} ${value}`]));
  const newer = offsite?.kind === 's3' && offsite.epochUrl !== undefined ? ['', 'Each epoch is a whole repository. A newer one than this may lie beside it: take the newest that opens.'] : [];
  return section('1. Where the backups are', [...lines, ...newer]);
}

function keyText({offsite}: KitFacts): string {
  if (offsite === undefined) return section('2. The key', ['No key is needed: the repository is a directory. Without an offsite copy it is lost together with its disk.']);
  if (offsite.kind === 'other') return section('2. The key', ['What the URL needs to be read (a login, an SSH key) is not in here. Keep it with the password.']);
  const inUse = offsite.keyId === undefined ? [] : [`The server uses the access key id ${offsite.keyId}${offsite.level === undefined ? '' : `, which is ${offsite.level}`}. Its secret is not in here.`];
  const enough = offsite.level === 'write-only' ? 'That key cannot read. ' : '';
  return section('2. The reading key', [
    ...inUse,
    `${enough}A restore needs a READING key: GetObject and ListBucket on this bucket and prefix.`,
    'Make one in the console of the storage provider, with the login that owns the bucket;',
    '"timetiles offsite policy --level reading" prints its policy. Keep it with the password, off the server.',
  ]);
}

function commandsText(facts: KitFacts): string {
  const {offsite} = facts;
  const keys =
    offsite?.kind === 's3'
      ? [
          "export AWS_ACCESS_KEY_ID='ID OF THE READING KEY'",
          "read -rsp 'Secret of the reading key: ' AWS_SECRET_ACCESS_KEY && export AWS_SECRET_ACCESS_KEY",
          ...(offsite.region === undefined ? [] : [`export AWS_DEFAULT_REGION=${shellWord(offsite.region)}`]),
        ]
      : [];
  return [
    section('3. The secrets, in bash', ['They are asked for, and so stay out of the history of the shell.']),
    ["read -rsp 'Repository password: ' RESTIC_PASSWORD && export RESTIC_PASSWORD", ...keys].join('\n'),
    section('4. Restore with timetiles', [
      'On a machine with timetiles, Docker and the images of the app, in the shell of section 3. It needs nothing',
      'else there: the backup knows the rest. Where the app is there with live data, add --replace; that is saved first.',
    ]),
    `timetiles dr ${shellWord(offsite === undefined ? facts.localPath : withoutPassword(offsite.url))}`,
    section('5. Or restore with restic alone (https://restic.net, 0.14 or newer)', ['In the shell of section 3. RESTIC_REPOSITORY is for restic; timetiles wants it unset. The cache of its own', 'is needed because local and offsite repository have the same id.']),
    [`export RESTIC_REPOSITORY=${shellWord(kitRepository(facts))}`, 'export RESTIC_CACHE_DIR="$(mktemp -d)"', 'restic snapshots --no-lock'].join('\n'),
    [
      'Snapshots of one backup have the same tag set:<id>; its sources are the tags db and uploads. The snapshot',
      'tagged manifest describes the set (versions, roles, row counts). Take all three from the same set:',
    ].join('\n'),
    [
      'set -o pipefail',
      'restic dump --no-lock ID_OF_MANIFEST /manifest.json',
      'restic restore ID_OF_UPLOADS --target /srv/restored-uploads --no-lock',
      'createdb NEW_DATABASE',
      'restic dump --no-lock ID_OF_DB /database.sql | psql --set ON_ERROR_STOP=1 --dbname NEW_DATABASE',
    ].join('\n'),
  ].join('\n\n');
}

/** Where files are put back to: the local repository, and the epoch that has the same ones. A repository that restic made there has its own. */
function uploadTarget(facts: KitFacts): Parameters<typeof kitFilesText>[1] {
  const {offsite, localPath} = facts;
  if (offsite?.kind !== 's3' || offsite.location === undefined || offsite.epochUrl === undefined) return {localPath, hasOtherCopy: offsite !== undefined};
  const {bucket, host} = offsite.location;
  const {prefix} = parseS3Location(offsite.epochUrl);
  return {localPath, hasOtherCopy: false, upload: {endpoint: offsite.endpoint ?? `https://${host}`, bucket, prefix}};
}

function section(heading: string, lines: readonly string[]): string {
  return [heading, '-'.repeat(heading.length), ...lines].join('\n');
}
