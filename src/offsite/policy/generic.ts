import {bucketPolicyAdvice} from './ceph.ts';
import type {Provider} from './types.ts';

/**
 * A gateway that is not known: a bucket policy in Amazon's form, with the Denies that hold where uploaders own their objects.
 * Sources: Amazon S3 User Guide, "Bucket policies for Amazon S3"; for the Denies see ceph.ts.
 */
export const genericPolicy: Provider = (request) =>
  bucketPolicyAdvice(request, {
    server: 'SERVER_USER_ARN',
    reader: 'READING_USER_ARN',
    conditionalWrites: 'whether this server honours If-None-Match, and whether a policy can demand it, is not known; timetiles asks once and goes on without',
    lock: 'usually only when the bucket is made',
    limits: [
      'This provider is not known to timetiles (see --provider): compare the policy with its documentation, then look with "timetiles offsite probe" at what the key can really do.',
      'Replace SERVER_USER_ARN and READING_USER_ARN by the names that this provider gives its users. Some gateways, Garage among them, have no bucket policies at all, but permissions of keys.',
    ],
  });
