import {TimetilesError} from '../../shared/errors.ts';
import type {BucketLocation, PolicyLevel, PolicyText} from './types.ts';

export interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: '*' | {readonly AWS: readonly string[]};
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** How a provider writes resources: the partition of its ARNs, and whether it can quote a wildcard in a key. */
export interface Dialect {
  readonly partition: string;
  /** AWS reads `${*}` as a plain asterisk (IAM User Guide, "IAM policy elements: Variables and tags"); others do not promise it. */
  readonly quotesWildcards: boolean;
}

export const plainDialect: Dialect = {partition: 'aws', quotesWildcards: false};

const objectActions: Readonly<Record<PolicyLevel, readonly string[]>> = {
  'write-only': ['s3:PutObject'],
  'append-only': ['s3:PutObject', 's3:GetObject'],
  'read-write': ['s3:PutObject', 's3:GetObject', 's3:DeleteObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
  reading: ['s3:GetObject'],
};

/** What no key on a server may do to the bucket's own protection, whatever its level. */
const protectionActions = [
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
  's3:PutLifecycleConfiguration',
  's3:PutBucketVersioning',
  's3:PutBucketObjectLockConfiguration',
  's3:PutBucketAcl',
  's3:DeleteBucket',
];

const objectDenials = [
  's3:DeleteObjectVersion',
  's3:BypassGovernanceRetention',
  's3:PutObjectRetention',
  's3:PutObjectLegalHold',
  's3:PutObjectAcl',
  's3:PutObjectVersionAcl',
];

/** `<prefix>/`, or nothing for a whole bucket: what every key of this tool begins with. */
export function keyPrefix({prefix}: BucketLocation): string {
  const trimmed = prefix.replace(/^\/+|\/+$/g, '');
  return trimmed === '' ? '' : `${trimmed}/`;
}

/** Object actions on the prefix alone, and for levels that read, listing of that prefix. */
export function allowStatements(location: BucketLocation, level: PolicyLevel, dialect: Dialect, principal?: Statement['Principal']): Statement[] {
  const who = principal === undefined ? {} : {Principal: principal};
  const objects: Statement = {Sid: 'Objects', Effect: 'Allow', ...who, Action: objectActions[level], Resource: [objectResource(location, dialect)]};
  if (level === 'write-only') return [objects];
  const bucket = bucketResource(location, dialect);
  const start = quoted(keyPrefix(location), dialect);
  return [
    objects,
    {Sid: 'List', Effect: 'Allow', ...who, Action: ['s3:ListBucket'], Resource: [bucket], ...(start === '' ? {} : {Condition: {StringLike: {'s3:prefix': [`${start}*`]}}})},
    {Sid: 'Location', Effect: 'Allow', ...who, Action: ['s3:GetBucketLocation'], Resource: [bucket]},
  ];
}

/** For gateways where an uploader owns what it uploads: everything that its level does not include, on this bucket. */
export function denyStatements(location: BucketLocation, level: PolicyLevel, dialect: Dialect, principal: Statement['Principal']): Statement[] {
  const beyondLevel = [
    ...(level === 'write-only' ? ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectAcl'] : []),
    ...(level === 'read-write' ? [] : ['s3:DeleteObject']),
    ...(level === 'reading' ? ['s3:PutObject'] : []),
  ];
  const bucketActions = level === 'write-only' ? ['s3:ListBucket', 's3:ListBucketVersions', 's3:ListBucketMultipartUploads'] : [];
  const who = principal === undefined ? {} : {Principal: principal};
  return [
    {Sid: 'NoMoreOnObjects', Effect: 'Deny', ...who, Action: [...beyondLevel, ...objectDenials], Resource: [`${bucketResource(location, dialect)}/*`]},
    {Sid: 'NoMoreOnTheBucket', Effect: 'Deny', ...who, Action: [...bucketActions, ...protectionActions], Resource: [bucketResource(location, dialect)]},
  ];
}

/**
 * Refuses every upload without `If-None-Match` (Amazon S3 User Guide, "Enforce conditional writes on Amazon S3 buckets").
 * The exception for multipart uploads that the guide describes (`s3:ObjectCreationOperation`) is left out on purpose:
 * this tool sends none, and so nobody with its key can.
 */
export function onlyNewKeys(location: BucketLocation, dialect: Dialect): Statement {
  return {
    Sid: 'OnlyNewKeys',
    Effect: 'Deny',
    Principal: '*',
    Action: ['s3:PutObject'],
    Resource: [objectResource(location, dialect)],
    Condition: {Null: {'s3:if-none-match': 'true'}},
  };
}

export function policyDocument(title: string, statements: readonly Statement[]): PolicyText {
  return jsonText(title, {Version: '2012-10-17', Statement: statements});
}

export function jsonText(title: string, value: unknown): PolicyText {
  return {title, format: 'json', text: JSON.stringify(value, null, 2)};
}

/** Statements of a bucket policy need an author: the keys of one server and one reader. */
export function principalOf(...names: readonly string[]): Statement['Principal'] {
  return {AWS: names};
}

function bucketResource({bucket}: BucketLocation, {partition}: Dialect): string {
  return `arn:${partition}:s3:::${bucket}`;
}

function objectResource(location: BucketLocation, dialect: Dialect): string {
  return `${bucketResource(location, dialect)}/${quoted(keyPrefix(location), dialect)}*`;
}

/** A prefix as policies read it. `*` and `?` would match more than this prefix, `${` would begin a variable. */
function quoted(prefix: string, {quotesWildcards}: Dialect): string {
  if (!/[*?]|\$\{/.test(prefix)) return prefix;
  if (quotesWildcards) return prefix.replaceAll(/\$(?=\{)|[*?]/g, (character) => `\${${character}}`);
  throw new TimetilesError('usage', `the prefix ${prefix.slice(0, -1)} holds *, ? or \${, which a policy of this provider would read as a wildcard`, 'Choose a prefix of letters, digits, - and / in RESTIC_OFFSITE_REPOSITORY.');
}
