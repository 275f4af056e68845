import {jsonText, keyPrefix} from './statements.ts';
import type {BucketSetting, PolicyRequest, PolicyText} from './types.ts';

const abortDays = 7;
const noticeDays = 90;
/** Shorter where objects expire anyway: each would otherwise be paid for twice as long. */
const noticeDaysWithExpiry = 30;
const lockDaysWithoutExpiry = 365;

export interface LifecycleAbility {
  /** False where the server clears unfinished uploads by itself and takes no rule for it. */
  readonly abortsUploads: boolean;
}

/** How long an overwritten or hidden version stays: the time to notice a burglary. */
export function noncurrentDays({expireDays}: PolicyRequest): number {
  return expireDays > 0 ? Math.min(noticeDaysWithExpiry, expireDays) : noticeDays;
}

/** How long a default retention should last: as long as the objects themselves, where these expire. */
export function retentionDays({expireDays}: PolicyRequest): number {
  return expireDays > 0 ? expireDays : lockDaysWithoutExpiry;
}

/** Whether keys of this level can be had by whoever takes over the server, so that there is something to protect against them. */
export function isServerKey({level}: PolicyRequest): boolean {
  return level !== 'reading';
}

/**
 * The safe rules as one lifecycle configuration, as PutBucketLifecycleConfiguration takes it. A rule for `Days` also removes
 * delete markers whose versions are gone, and excludes a rule of its own for them (Amazon S3 User Guide, "Lifecycle configuration elements").
 */
export function lifecycleDocument(request: PolicyRequest, ability: LifecycleAbility): PolicyText {
  const rule = (id: string, action: object) => ({ID: `timetiles-${id}`, Status: 'Enabled', Filter: {Prefix: keyPrefix(request.location)}, ...action});
  const rules = [
    ...(ability.abortsUploads ? [rule('unfinished', {AbortIncompleteMultipartUpload: {DaysAfterInitiation: abortDays}})] : []),
    rule('noncurrent', {NoncurrentVersionExpiration: {NoncurrentDays: noncurrentDays(request)}}),
    request.expireDays > 0 ? rule('expire', {Expiration: {Days: request.expireDays}}) : rule('markers', {Expiration: {ExpiredObjectDeleteMarker: true}}),
  ];
  return jsonText('Lifecycle rules of the bucket, the only safe ones (lifecycle.json)', {Rules: rules});
}

/** The same rules in words, each with its reason. */
export function lifecycleSettings(request: PolicyRequest, ability: LifecycleAbility): BucketSetting[] {
  const unfinished = ability.abortsUploads ? [unfinishedSetting()] : [];
  const markers = {
    name: 'lifecycle: delete markers without versions',
    value: request.expireDays > 0 ? 'removed by the rule for current objects' : 'remove',
    why: 'a marker that hides nothing only slows listings down',
  };
  return [...unfinished, noncurrentSetting(request), expirySetting(request), markers];
}

export function unfinishedSetting(): BucketSetting {
  return {name: 'lifecycle: incomplete multipart uploads', value: `abort after ${abortDays} days`, why: 'timetiles never makes any, so what is there is an accident or an attempt to fill the bucket unseen'};
}

export function noncurrentSetting(request: PolicyRequest): BucketSetting {
  return {name: 'lifecycle: noncurrent versions', value: `expire after ${noncurrentDays(request)} days`, why: 'timetiles writes each key once: a noncurrent version is the good copy under something that came later, kept for as long as you may need to notice'};
}

/** Expiry of current objects is fatal without new epochs: an index would name packs that are gone. */
export function expirySetting({expireDays}: PolicyRequest): BucketSetting {
  const name = 'lifecycle: current objects';
  if (expireDays === 0) {
    return {name, value: 'never expire', why: 'old packs serve new snapshots, and one missing pack breaks the repository; to let objects expire, set OFFSITE_EXPIRE_DAYS first'};
  }
  return {name, value: `expire after ${expireDays} days, neither more nor less`, why: `OFFSITE_EXPIRE_DAYS=${expireDays} makes timetiles begin a new, full epoch every third of that time, so that what a dead or robbed server leaves behind stays whole for the other two thirds`};
}

export function versioningSetting(): BucketSetting {
  return {name: 'versioning', value: 'enabled', why: 'whoever may write may also overwrite; with versions the first copy stays underneath'};
}

/** The default retention as PutObjectLockConfiguration takes it. */
export function lockDocument(request: PolicyRequest): PolicyText {
  return jsonText('Object lock with its default retention (lock.json)', {ObjectLockEnabled: 'Enabled', Rule: {DefaultRetention: {Mode: 'COMPLIANCE', Days: retentionDays(request)}}});
}

/** Mode and default retention (Amazon S3 User Guide, "Locking objects with Object Lock" and "Object Lock considerations"). */
export function lockSettings(request: PolicyRequest, how: string): BucketSetting[] {
  const days = retentionDays(request);
  return [
    {name: 'object lock', value: `enabled (${how})`, why: 'it keeps versions even from someone who got hold of an administrator key; it needs versioning'},
    {name: 'object lock: mode', value: 'COMPLIANCE', why: 'GOVERNANCE can be bypassed by whoever has s3:BypassGovernanceRetention; try with GOVERNANCE first, because nobody can shorten COMPLIANCE'},
    {name: 'object lock: default retention', value: `${days} days`, why: retentionReason(request)},
    {name: 'object lock: uploads', value: 'plain PUT with Content-MD5', why: 'a bucket with default retention refuses uploads without a checksum; timetiles sends Content-MD5 with each, and needs no permission to set retention'},
  ];
}

function retentionReason({expireDays}: PolicyRequest): string {
  if (expireDays > 0) return `as long as the objects live: each stays locked until the day on which the lifecycle rule may remove it (OFFSITE_EXPIRE_DAYS=${expireDays})`;
  return 'each object is locked from its upload and never again, so the oldest packs come free first: run "timetiles offsite new-epoch" before this time is over, or set OFFSITE_EXPIRE_DAYS, which does it by itself';
}
