import {describe, expect, it} from 'vitest';
import {renderPolicy} from '../../../src/cli/render/policy.ts';
import {settingsSchema} from '../../../src/config/settings.ts';
import {offsitePolicy} from '../../../src/operations/offsite/policy.ts';

const policyOf = (values: Record<string, string>, options: Partial<Parameters<typeof offsitePolicy>[1]> = {}) => offsitePolicy({settings: settingsSchema.parse(values)}, {level: 'write-only', ...options});

describe('offsitePolicy', () => {
  it('takes bucket, prefix and provider from the URL', () => {
    expect(policyOf({RESTIC_OFFSITE_REPOSITORY: 's3:https://s3.eu-central-1.amazonaws.com/bucket/some/prefix'})).toMatchObject({provider: 'aws', bucket: 'bucket', prefix: 'some/prefix', level: 'write-only'});
    expect(policyOf({RESTIC_OFFSITE_REPOSITORY: 's3:https://s3.example.org/bucket'}, {provider: 'ceph', level: 'reading'})).toMatchObject({provider: 'ceph', prefix: '', level: 'reading'});
  });

  it('an s3: URL without a host is at AWS_ENDPOINT_URL', () => {
    expect(policyOf({RESTIC_OFFSITE_REPOSITORY: 's3:bucket/prefix', AWS_ENDPOINT_URL: 'https://s3.eu-central-2.wasabisys.com'})).toMatchObject({provider: 'wasabi', bucket: 'bucket', prefix: 'prefix'});
  });

  it.each([
    ['rest:https://user:hunter2@backup.example.org/', 'rest', '--append-only'],
    ['sftp:user@host:/srv/restic', 'sftp', 'snapshots'],
    ['b2:bucket:path', 'b2', 's3:https://'],
    ['rclone:remote:path', 'rclone', 'rclone'],
    ['/mnt/disk/restic', 'local', 'root'],
  ])('%s: one paragraph on what protects there, without the URL', (url, backend, word) => {
    const policy = policyOf({RESTIC_OFFSITE_REPOSITORY: url});
    expect(policy).toMatchObject({provider: backend, bucket: null, prefix: null, policies: [], settings: []});
    expect(policy.limits).toHaveLength(1);
    expect(policy.limits[0]).toContain(word);
    expect(renderPolicy(policy).text).not.toContain('hunter2');
  });

  it('without an offsite repository it says what to configure', () => {
    expect(() => policyOf({})).toThrow(/RESTIC_OFFSITE_REPOSITORY is not set/);
  });
});

describe('renderPolicy', () => {
  const policy = policyOf({RESTIC_OFFSITE_REPOSITORY: 's3:https://s3.eu-central-1.amazonaws.com/bucket/prefix', OFFSITE_EXPIRE_DAYS: '90'});

  it('prints every document as it is to be pasted, each after its title', () => {
    const {text} = renderPolicy(policy);
    expect(text).toMatch(/^Protection of the offsite repository \(aws, bucket bucket, prefix prefix, level write-only\)\n\n1\. /);
    for (const [index, {title, text: document}] of policy.policies.entries()) expect(text).toContain(`${index + 1}. ${title}\n\n${document}\n\n`);
    for (const {name, value, why} of policy.settings) expect(text).toContain(`- ${name}: ${value}\n    ${why}`);
    for (const limit of policy.limits) expect(text).toContain(`- ${limit}`);
  });

  it('JSON has exactly the documented fields', () => {
    const {policies, settings, limits} = policy;
    expect(renderPolicy(policy).json).toStrictEqual({provider: 'aws', level: 'write-only', bucket: 'bucket', prefix: 'prefix', policies, settings, limits});
  });
});
