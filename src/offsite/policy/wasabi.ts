import {attachNothingElse, keepReadingKeyAway, levelLimits} from './advice.ts';
import {isServerKey, lifecycleDocument, lifecycleSettings, lockDocument, lockSettings, versioningSetting} from './lifecycle.ts';
import {s3apiCommands} from './s3api.ts';
import {allowStatements, plainDialect, policyDocument} from './statements.ts';
import type {Provider} from './types.ts';

const ability = {abortsUploads: true};

/**
 * Wasabi: IAM user policies in Amazon's form, object lock with both modes. Sources: Wasabi, "Policies in Wasabi Hot Cloud Storage",
 * "IAM and STS Support With the Wasabi S3 API", "Object Lock With the Wasabi S3 API".
 */
export const wasabiPolicy: Provider = (request) => {
  const {location, level} = request;
  const reading = policyDocument('IAM policy of the reading user, for restore --offsite', allowStatements(location, 'reading', plainDialect));
  if (!isServerKey(request)) return {policies: [reading], settings: [], limits: [keepReadingKeyAway, attachNothingElse]};
  return {
    policies: [policyDocument(`IAM policy of the user whose key is on the server (${level})`, allowStatements(location, level, plainDialect)), reading, lifecycleDocument(request, ability), lockDocument(request), s3apiCommands({bucket: location.bucket, host: location.host, who: 'with an administrator key', withLock: true, withPolicy: false})],
    settings: [
      {name: 'conditional writes', value: 'not enforced', why: 'Wasabi documents no condition key for If-None-Match; versioning and object lock have to do its work'},
      versioningSetting(),
      ...lockSettings(request, 'best when the bucket is made'),
      ...lifecycleSettings(request, ability),
    ],
    limits: [
      'Wasabi does not document whether it honours If-None-Match on uploads; timetiles asks for it once and goes on without.',
      'Without enforced conditional writes a thief with this key can put a new version over each key: bring the old ones back by removing his, as an administrator.',
      'Wasabi may bill a minimum storage time for each object: see your contract before you choose a short OFFSITE_EXPIRE_DAYS.',
      'Compare the lifecycle rules with what the console of your account offers before you paste them.',
      attachNothingElse,
      ...levelLimits(level),
      keepReadingKeyAway,
    ],
  };
};
