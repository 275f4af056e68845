import {dirname} from 'node:path/posix';
import {shellWord} from '../shared/format.ts';

/** A small file of the repository: `config`, or `keys/<id>`. */
export interface KitFile {
  readonly name: string;
  readonly base64: string;
  readonly sha256: string;
}

export interface PutBackTarget {
  readonly localPath: string;
  /** Whether the offsite repository is another one, which these files do not open. */
  readonly hasOtherCopy?: boolean;
  /** Bucket and prefix of the epoch, where the offsite repository is on S3. */
  readonly upload?: {readonly endpoint: string; readonly bucket: string; readonly prefix: string};
}

const columns = 76;
const directory = 'kit-files';

/** The chapters with the files themselves and the way back into a repository that lost them. */
export function kitFilesText(files: readonly KitFile[], target: PutBackTarget): string[] {
  if (files.length === 0) return [];
  const heading = '6. Copies of the files without which the repository cannot be opened';
  const whose = target.hasOtherCopy === true ? ['They are those of the local repository; the offsite one has its own.'] : [];
  const why = [heading, '-'.repeat(heading.length), ...whose, 'They are encrypted with the password. If they are lost, paste this into bash in an empty directory.', 'Each file must be reported as OK.'].join('\n');
  const back = '7. Putting them back where they are missing';
  return [why, unpackCommands(files), [back, '-'.repeat(back.length), 'Only what is missing; a file that is there must stay.'].join('\n'), putBackCommands(files, target)];
}

/** Makes the files in `kit-files/` and checks them. */
function unpackCommands(files: readonly KitFile[]): string {
  const directories = [...new Set(files.map(({name}) => dirname(name)))].map((parent) => shellWord(parent === '.' ? directory : `${directory}/${parent}`));
  const unpack = files.flatMap(({name, base64, sha256}) => {
    const path = shellWord(`${directory}/${name}`);
    return [`base64 -d > ${path} <<'END'`, ...wrapped(base64), 'END', `echo '${sha256}  '${path} | sha256sum -c`];
  });
  return [`mkdir -p ${directories.join(' ')}`, ...unpack].join('\n');
}

/** With a key that may write: into the bucket as new keys only, or into the local repository. */
function putBackCommands(files: readonly KitFile[], {localPath, upload}: PutBackTarget): string {
  const local = files.map(({name}) => `cp -n ${shellWord(`${directory}/${name}`)} ${shellWord(`${localPath}/${name}`)}`);
  const localText = ['Into the local repository:', '', ...local].join('\n');
  if (upload === undefined) return localText;
  const {endpoint, bucket, prefix} = upload;
  const puts = files.map(({name}) => {
    const key = shellWord(prefix === '' ? name : `${prefix}/${name}`);
    return `aws --endpoint-url ${shellWord(endpoint)} s3api put-object --bucket ${shellWord(bucket)} --key ${key} --body ${shellWord(`${directory}/${name}`)} --if-none-match '*'`;
  });
  return [['Into the bucket, with a key that may write (leave out --if-none-match where the provider does not know it):', '', ...puts].join('\n'), localText].join('\n\n');
}

/** Base64 in lines that fit a printed page, as base64(1) wraps it. */
function wrapped(base64: string): string[] {
  return base64.match(new RegExp(`.{1,${columns}}`, 'g')) ?? [];
}
