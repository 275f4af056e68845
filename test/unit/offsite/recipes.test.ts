import {describe, expect, it} from 'vitest';
import {describeProof} from '../../../src/cli/render/probe.ts';
import {isAboutCredentials, levelOf} from '../../../src/offsite/level.ts';
import {S3Failure} from '../../../src/offsite/s3/failure.ts';
import {missingSets} from '../../../src/operations/offsite/copy.ts';
import {offsiteError} from '../../../src/operations/offsite/explain.ts';
import {countNewer} from '../../../src/operations/offsite/lag.ts';
import type {S3Target} from '../../../src/operations/offsite/target.ts';
import type {BackupSet} from '../../../src/operations/sets.ts';
import {copyArgs} from '../../../src/restic/copy.ts';

const snapshot = (source: string) => ({source, id: source.repeat(8), time: new Date(0), snapshot: {id: source, time: '', hostname: '', paths: [], tags: [], original: undefined}});
const set = (id: string, more: Partial<BackupSet> = {}): BackupSet => ({id, time: new Date(0), state: 'complete', isSafety: false, isSuspicious: false, isImported: false, isEarlier: false, host: 'h', manifest: `m${id}`, snapshots: [snapshot('db'), snapshot('uploads')], ...more});

describe('levelOf', () => {
  it.each([
    [{list: true, read: true, remove: true}, 'read-write'],
    [{list: true, read: true, remove: false}, 'append-only'],
    [{list: false, read: false, remove: false}, 'write-only'],
    // restic can do nothing with it, and a thief a lot: the tool still only writes.
    [{list: false, read: true, remove: true}, 'write-only'],
    [{list: true, read: false, remove: true}, 'write-only'],
  ] as const)('%o is %s', (abilities, level) => {
    expect(levelOf(abilities)).toBe(level);
  });
});

describe('what is copied with restic', () => {
  const half = set('2', {snapshots: [snapshot('db')]});

  it('is every set of which something is not there, those of dead runs excepted', () => {
    const local = [set('4'), set('3'), set('2'), set('1', {manifest: undefined, state: 'incomplete'})];
    expect(missingSets(local, [set('3'), half]).map(({id}) => id)).toEqual(['4', '2']);
    expect(missingSets(local, [set('4', {manifest: undefined}), set('3'), set('2')]).map(({id}) => id)).toEqual(['4']);
    expect(missingSets([], [set('3')])).toEqual([]);
  });

  it('holds those of the earlier command line, but for what it has saved there itself', () => {
    const earlier = (id: string, hours: number) => set(id, {isEarlier: true, manifest: undefined, time: new Date(hours * 3_600_000)});
    const local = [earlier('2', 24), earlier('1', 0)];
    expect(missingSets(local, []).map(({id}) => id)).toEqual(['2', '1']);
    expect(missingSets(local, [earlier('1', 0), set('3', {time: new Date(24 * 3_600_000)})]).map(({id}) => id)).toEqual(['2']);
    expect(missingSets(local, [earlier('twin', 25)]).map(({id}) => id)).toEqual(['1']);
  });

  it('goes out no faster than it may', () => {
    expect(copyArgs({snapshots: ['a', 'b'], uploadLimit: 0})).toEqual(['copy', 'a', 'b']);
    expect(copyArgs({snapshots: ['a'], uploadLimit: 512})).toEqual(['copy', '--limit-upload', '512', 'a']);
  });
});

it('the lag counts complete sets alone', () => {
  const sets = [set('4'), set('3', {state: 'incomplete'}), set('2'), set('1')];
  expect([countNewer(sets, '2'), countNewer(sets, '4'), countNewer(sets, undefined), countNewer([], undefined)]).toEqual([1, 0, 3, 0]);
});

describe('a failure offsite', () => {
  const url = 's3:https://s3.example.org/bucket';
  const location = {endpoint: new URL('https://s3.example.org'), bucket: 'bucket', prefix: ''};
  const target: S3Target = {kind: 's3', url, shownUrl: url, stateDirectory: '/state', keyId: 'AKIA', region: 'us-east-1', keyPrefix: '', location};
  const failure = (status: number, code: string) => new S3Failure('storing x', {status, headers: {}, body: Buffer.from(`<Code>${code}</Code>`)});

  it.each([
    [failure(403, 'AccessDenied'), /s3:PutObject.*timetiles offsite policy/],
    [failure(403, 'SignatureDoesNotMatch'), /AWS_SECRET_ACCESS_KEY does not belong to the key AKIA/],
    [failure(403, 'InvalidAccessKeyId'), /not known, was revoked or has expired/],
    [failure(403, 'ExpiredToken'), /AWS_SESSION_TOKEN/],
    [failure(403, 'RequestTimeTooSkewed'), /clock of this host is wrong/],
    [failure(404, 'NoSuchBucket'), /Make the bucket/],
    [failure(301, 'PermanentRedirect'), /AWS_DEFAULT_REGION/],
    [failure(400, 'BadDigest'), /Bytes change on their way/],
    [failure(503, 'SlowDown'), /goes on where this one stopped/],
    [Object.assign(new Error('x'), {code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'}), /RESTIC_CACERT/],
    [Object.assign(new Error('connect ECONNREFUSED'), {code: 'ECONNREFUSED'}), /Check the network/],
    [Object.assign(new Error('full'), {code: 'ENOSPC'}), /Free some space/],
  ])('%s has its own next step', (error, next) => {
    expect(offsiteError(error, target)).toMatchObject({kind: 'offsite', next: expect.stringMatching(next)});
  });

  it('wrong credentials are told from rights that are missing', () => {
    expect([isAboutCredentials(failure(403, 'SignatureDoesNotMatch')), isAboutCredentials(failure(403, 'AccessDenied'))]).toEqual([true, false]);
  });
});

describe('describeProof says what a thief could do', () => {
  const safe = {key: 'k', stored: true, conditional: 'obeyed', overwritten: false, versioned: true, removed: false, versionRemoved: false} as const;
  const text = (change: object, canRead = false) => describeProof({...safe, ...change}, canRead).join('\n');

  it.each([
    ['nothing', {}, [/could not overwrite/, /could not delete/, /canary k stays/]],
    ['overwrite with versions', {overwritten: true}, [/garbage.*can be brought back/]],
    ['overwrite without', {overwritten: true, versioned: false, versionRemoved: undefined}, [/DANGER: the thief could overwrite.*If-None-Match/]],
    ['overwrite where conditions are ignored', {overwritten: true, versioned: false, conditional: 'ignored'}, [/DANGER.*object lock:/]],
    ['delete with versions', {removed: true}, [/but the bucket keeps their old versions/]],
    ['delete without', {removed: true, versioned: false, versionRemoved: undefined}, [/DANGER: the thief could delete every backup, and nothing/]],
    ['delete versions', {removed: true, versionRemoved: true}, [/DANGER: the thief could delete every backup for good/]],
    ['not even store', {stored: false}, [/no backup can be made/]],
  ])('%s', (_, change, patterns) => {
    for (const pattern of patterns) expect(text(change)).toMatch(pattern);
  });

  it('reading is told apart', () => {
    expect([text({}, true), text({}, false)].map((words) => words.includes('could copy the backups'))).toEqual([true, false]);
  });
});
