import {attachNothingElse, keepReadingKeyAway, levelLimits} from './advice.ts';
import {isServerKey, lifecycleDocument, lifecycleSettings, lockDocument, lockSettings, versioningSetting} from './lifecycle.ts';
import {s3apiCommands} from './s3api.ts';
import {allowStatements, onlyNewKeys, policyDocument, type Dialect} from './statements.ts';
import type {PolicyText, Provider, ProviderAdvice} from './types.ts';

const ability = {abortsUploads: true};

/**
 * Amazon S3: a policy for the IAM user, a bucket policy that enforces conditional writes, versioning, object lock, lifecycle.
 * Sources: Amazon S3 User Guide, "Enforce conditional writes on Amazon S3 buckets", "Locking objects with Object Lock",
 * "Expiring objects"; IAM User Guide, "IAM policy elements: Variables and tags".
 */
export const awsPolicy: Provider = (request): ProviderAdvice => {
  const {location, level} = request;
  const dialect: Dialect = {partition: partitionOf(location.host), quotesWildcards: true};
  const replicates = level === 'write-only' || level === 'append-only';
  const policies: PolicyText[] = [
    policyDocument(`IAM policy of the user whose key is on the server (${level})`, allowStatements(location, level, dialect)),
    ...(replicates ? [policyDocument('Bucket policy: uploads of new keys only (bucket-policy.json)', [onlyNewKeys(location, dialect)])] : []),
    policyDocument('IAM policy of the reading user, for restore --offsite', allowStatements(location, 'reading', dialect)),
  ];
  if (!isServerKey(request)) return {policies: policies.slice(-1), settings: [], limits: [keepReadingKeyAway, attachNothingElse]};
  return {
    policies: [...policies, lifecycleDocument(request, ability), lockDocument(request), s3apiCommands({bucket: location.bucket, who: 'with an administrator key', withLock: true, withPolicy: replicates})],
    settings: [
      replicates
        ? {name: 'conditional writes', value: 'enforced by the bucket policy', why: 'an upload that does not carry If-None-Match is refused, and one that does fails where the key exists: nothing can be overwritten'}
        : {name: 'conditional writes', value: 'not enforced with read-write', why: 'restic itself does not send If-None-Match, so the rule would refuse its uploads'},
      versioningSetting(),
      ...lockSettings(request, 'new or existing bucket'),
      ...lifecycleSettings(request, ability),
    ],
    limits: [
      attachNothingElse,
      ...(replicates ? ['The bucket policy binds you too: copies within the bucket fail, and a file put back by hand needs aws s3api put-object --if-none-match "*". It makes no exception for multipart uploads, because timetiles sends none. A bucket policy replaces the one before it: join the statements if there is one.'] : []),
      ...levelLimits(level),
      keepReadingKeyAway,
    ],
  };
};

/** The partition of the ARNs: China and GovCloud have their own (AWS General Reference, "Amazon Resource Names"). */
function partitionOf(host: string): string {
  if (host.endsWith('.amazonaws.com.cn')) return 'aws-cn';
  return /(^|[.-])us-gov-/.test(host) ? 'aws-us-gov' : 'aws';
}
