export const providerNames = ['aws', 'minio', 'ceph', 'b2', 'wasabi', 'r2', 'generic'] as const;
export type ProviderName = (typeof providerNames)[number];

/** What a key may do; `reading` is the key of a restore, kept off the server. */
export const policyLevels = ['write-only', 'append-only', 'read-write', 'reading'] as const;
export type PolicyLevel = (typeof policyLevels)[number];

export interface BucketLocation {
  /** The host of the endpoint, such as `s3.eu-central-1.amazonaws.com`. */
  readonly host: string;
  readonly bucket: string;
  /** Without slashes at either end; empty for the whole bucket. */
  readonly prefix: string;
}

export interface PolicyRequest {
  readonly location: BucketLocation;
  readonly level: PolicyLevel;
  /** OFFSITE_EXPIRE_DAYS; 0: objects are kept for ever. */
  readonly expireDays: number;
}

/** Something to paste or to follow. */
export interface PolicyText {
  readonly title: string;
  readonly format: 'json' | 'commands' | 'steps';
  readonly text: string;
}

/** One setting of the bucket, with the reason in a sentence. */
export interface BucketSetting {
  readonly name: string;
  readonly value: string;
  readonly why: string;
}

/** What a provider's file gives back. */
export interface ProviderAdvice {
  readonly policies: readonly PolicyText[];
  readonly settings: readonly BucketSetting[];
  /** What this provider cannot do, or what has to be known. */
  readonly limits: readonly string[];
}

export type Provider = (request: PolicyRequest) => ProviderAdvice;
