import {shellWord} from '../../shared/format.ts';
import {attachNothingElse, keepReadingKeyAway, levelLimits} from './advice.ts';
import {isServerKey, lifecycleDocument, lifecycleSettings, lockSettings, retentionDays, versioningSetting} from './lifecycle.ts';
import {allowStatements, plainDialect, policyDocument} from './statements.ts';
import type {PolicyRequest, PolicyText, Provider} from './types.ts';

const ability = {abortsUploads: false};

/**
 * MinIO: policies for users of the server and the mc commands. Sources: MinIO, "Access Management" (policy documents and their
 * condition keys; none for If-None-Match), "Object Locking and Immutability", "mc admin policy", "mc retention set", "mc ilm rule import".
 */
export const minioPolicy: Provider = (request) => {
  const {location, level} = request;
  const reading = policyDocument('Policy of the reading user, for restore --offsite (reading.json)', allowStatements(location, 'reading', plainDialect));
  const readingCommands = userCommands('timetiles-reading', 'reading.json');
  if (!isServerKey(request)) {
    return {policies: [reading, commandText(readingCommands)], settings: [], limits: [keepReadingKeyAway, attachNothingElse]};
  }
  return {
    policies: [
      policyDocument(`Policy of the user whose key is on the server, ${level} (server.json)`, allowStatements(location, level, plainDialect)),
      reading,
      lifecycleDocument(request, ability),
      commandText([...userCommands('timetiles-server', 'server.json'), ...readingCommands, ...bucketCommands(request)]),
    ],
    settings: [
      {name: 'conditional writes', value: 'sent, but not enforced', why: 'MinIO honours If-None-Match, yet its policies have no condition key for it, so a thief can leave the header out; versions and locks protect then'},
      versioningSetting(),
      ...lockSettings(request, 'when the bucket is made: mc mb --with-lock'),
      ...lifecycleSettings(request, ability),
    ],
    limits: [
      'MinIO clears incomplete multipart uploads by itself (the setting stale_uploads_expiry) and takes no lifecycle rule for them.',
      'A thief with this key can put a new version over each key: bring the old ones back by removing his, as an administrator.',
      'Whoever can log in to the machine of the MinIO server can remove its disks: let it stand elsewhere than the server that is backed up.',
      attachNothingElse,
      ...levelLimits(level),
      keepReadingKeyAway,
    ],
  };
};

function userCommands(name: string, file: string): string[] {
  return [`mc admin policy create ALIAS ${name} ${file}`, `mc admin user add ALIAS ${name}   # asks for the secret`, `mc admin policy attach ALIAS ${name} --user ${name}`];
}

function bucketCommands(request: PolicyRequest): string[] {
  const target = shellWord(`ALIAS/${request.location.bucket}`);
  return [
    `mc mb --with-lock ${target}   # only for a new bucket`,
    `mc version enable ${target}`,
    `mc retention set --default COMPLIANCE ${retentionDays(request)}d ${target}`,
    `mc ilm rule import ${target} < lifecycle.json`,
  ];
}

function commandText(lines: readonly string[]): PolicyText {
  return {title: 'Commands, with an administrator alias and not on the server', format: 'commands', text: lines.join('\n')};
}
