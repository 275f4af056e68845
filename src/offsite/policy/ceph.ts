import {keepReadingKeyAway, levelLimits} from './advice.ts';
import {isServerKey, lifecycleDocument, lifecycleSettings, lockDocument, lockSettings, versioningSetting} from './lifecycle.ts';
import {s3apiCommands} from './s3api.ts';
import {allowStatements, denyStatements, plainDialect, policyDocument, principalOf, type Statement} from './statements.ts';
import type {PolicyRequest, Provider, ProviderAdvice} from './types.ts';

const ability = {abortsUploads: true};

/** What a bucket policy needs to know of the gateway it is for. */
export interface BucketPolicyStyle {
  readonly server: string;
  readonly reader: string;
  readonly conditionalWrites: string;
  readonly lock: string;
  readonly limits: readonly string[];
}

/**
 * Ceph's gateway: one bucket policy for both users. The Denies are needed: an object belongs to the user who uploaded it, and the
 * owner may read and delete it unless a policy says no. Sources: Ceph documentation, "Bucket Policies" (principals, condition keys;
 * none for If-None-Match, no string interpolation).
 */
export const cephPolicy: Provider = (request) =>
  bucketPolicyAdvice(request, {
    server: 'arn:aws:iam:::user/SERVER_USER',
    reader: 'arn:aws:iam:::user/READING_USER',
    conditionalWrites: 'Ceph has no condition key for If-None-Match, and several releases ignore the header itself; versions and locks have to do its work',
    lock: 'when the bucket is made: aws s3api create-bucket --object-lock-enabled-for-bucket',
    limits: [
      'Replace SERVER_USER and READING_USER by the user ids of the gateway; with tenants write arn:aws:iam::TENANT:user/ID.',
      'A third user must own the bucket: its owner can replace this policy. Neither of the two users may own it or be a subuser of its owner.',
      'A user of the gateway may have buckets of its own. radosgw-admin user modify --uid=SERVER_USER --max-buckets=-1 stops that.',
    ],
  });

/** A bucket policy with its Denies, and the settings around it; Ceph and gateways that are not known share it. */
export function bucketPolicyAdvice(request: PolicyRequest, style: BucketPolicyStyle): ProviderAdvice {
  const {location, level} = request;
  const forUser = (of: PolicyRequest['level'], user: string, suffix: string): Statement[] =>
    [...allowStatements(location, of, plainDialect, principalOf(user)), ...denyStatements(location, of, plainDialect, principalOf(user))].map((statement) => ({...statement, Sid: `${suffix}${statement.Sid}`}));
  const server = forUser(level, style.server, 'Server');
  const reader = forUser('reading', style.reader, 'Reading');
  if (!isServerKey(request)) {
    return {policies: [policyDocument('Bucket policy of the reading user, for restore --offsite', reader)], settings: [], limits: [...style.limits, 'A bucket has one policy: join these statements with those of the server.', keepReadingKeyAway]};
  }
  return {
    policies: [
      policyDocument(`Bucket policy of the user whose key is on the server, ${level} (bucket-policy.json)`, server),
      policyDocument('The same with the reading user, for restore --offsite: a bucket has one policy, paste this or the one above', [...server, ...reader]),
      lifecycleDocument(request, ability),
      lockDocument(request),
      s3apiCommands({bucket: location.bucket, host: location.host, who: 'with the key of the bucket\'s owner', withLock: true, withPolicy: true}),
    ],
    settings: [
      {name: 'conditional writes', value: 'not enforced', why: style.conditionalWrites},
      versioningSetting(),
      ...lockSettings(request, style.lock),
      ...lifecycleSettings(request, ability),
    ],
    limits: [...style.limits, 'A thief with this key can put a new version over each key: bring the old ones back by removing his, as the bucket\'s owner.', ...levelLimits(level), keepReadingKeyAway],
  };
}
