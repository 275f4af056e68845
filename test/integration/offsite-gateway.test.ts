import {execa} from 'execa';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {startGateway, type Gateway} from '../support/gateway.ts';
import {withHosts} from '../support/hosts.ts';
import {useBench} from '../support/use-bench.ts';

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway(useBench());
});
afterAll(() => gateway.stop());

const all = ['old', 'other', 'own', 'versioned'];

// The tests of offsite copies prove nothing unless the other side refuses what a key may not do.
test.for([
  {
    kind: 'full',
    adding: {own: 200, old: 200, public: 200},
    reading: {old: 200, missing: 404, own: 200, list: 200, versions: 200},
    removing: {own: 204, other: 204, version: 204, several: 200},
    left: [],
  },
  {
    kind: 'append',
    adding: {own: 200, old: 200, public: 403},
    reading: {old: 200, missing: 404, own: 200, list: 200, versions: 403},
    removing: {own: 403, other: 403, version: 403, several: 403},
    left: all,
  },
  {
    kind: 'put',
    adding: {own: 200, old: 200, public: 403},
    reading: {old: 403, missing: 403, own: 403, list: 403, versions: 403},
    removing: {own: 403, other: 403, version: 403, several: 403},
    left: all,
  },
  {
    kind: 'read',
    adding: {own: 403, old: 403, public: 403},
    reading: {old: 200, missing: 404, own: 404, list: 200, versions: 403},
    removing: {own: 403, other: 403, version: 403, several: 403},
    left: ['old', 'other', 'versioned'],
  },
] as const)('the gateway lets the key "$kind" do what its name says, and no more', async ({kind, ...expected}) => {
  for (const versioned of [false, true]) {
    const bucket = await gateway.makeBucket({versioned});
    for (const name of ['old', 'other', 'versioned']) await bucket.put(name, 'by the owner');
    const versionId = (await bucket.versions('versioned'))[0]?.versionId ?? '';
    const ask = async (method: string, object: string, more = {}) =>
      (await bucket.request(bucket.keys[kind], method, object, more)).status;
    const several = '<Delete><Object><Key>old</Key></Object></Delete>';
    const answers = {
      adding: {
        own: await ask('PUT', 'own', {body: 'mine'}),
        old: await ask('PUT', 'old', {body: 'mine'}),
        public: await ask('PUT', kind === 'read' ? 'other' : 'own', {
          query: {acl: ''},
          headers: {'x-amz-acl': 'public-read'},
        }),
      },
      reading: {
        old: await ask('HEAD', 'old'),
        missing: await ask('GET', 'missing'),
        own: await ask('GET', 'own'),
        list: await ask('GET', '', {query: {'list-type': '2'}}),
        versions: await ask('GET', '', {query: {versions: ''}}),
      },
      removing: {
        own: await ask('DELETE', 'own'),
        other: await ask('DELETE', 'other'),
        version: await ask('DELETE', 'versioned', {query: {versionId}}),
        several: await ask('POST', '', {query: {delete: ''}, body: several}),
      },
      left: (await bucket.list()).map((object) => object.key),
    };
    expect(answers, versioned ? 'with versions' : 'without versions').toEqual(expected);
  }
});

test('the gateway checks what it is sent, but overwrites whatever a client asks it to keep', async () => {
  const {keys, ...bucket} = await gateway.makeBucket();
  const put = async (more: object) => {
    const {status, code} = await bucket.request(keys.put, 'PUT', 'object', {body: 'content', ...more});
    return code ?? status;
  };
  expect(await put({bodyDigest: '0'.repeat(64)})).toBe('XAmzContentSHA256Mismatch');
  expect(await put({headers: {'content-md5': Buffer.alloc(16).toString('base64')}})).toBe('BadDigest');
  expect(await bucket.list()).toEqual([]);
  expect([await put({}), await put({body: 'other', headers: {'if-none-match': '*'}})]).toEqual([200, 200]);
  expect((await bucket.get('object')).toString()).toBe('other');
  const answers = [
    await bucket.request({...keys.put, accessKeyId: 'UNKNOWN'}, 'PUT', 'object'),
    await bucket.request({...keys.put, secretAccessKey: 'wrong'}, 'PUT', 'object'),
  ];
  expect(answers.map(({status, code}) => `${status} ${code}`)).toEqual([
    '403 InvalidAccessKeyId',
    '403 SignatureDoesNotMatch',
  ]);
});

test('a bucket with versions keeps what is overwritten and what is removed', async () => {
  const bucket = await gateway.makeBucket({versioned: true});
  const names: unknown[] = [];
  for (const body of ['first', 'second']) {
    names.push((await bucket.request(bucket.keys.put, 'PUT', 'object', {body})).headers['x-amz-version-id']);
  }
  await bucket.remove('object');
  const versions = await bucket.versions();
  expect(versions.map((version) => version.isDeleteMarker)).toEqual([true, false, false]);
  expect(versions.slice(1).map((version) => version.versionId)).toEqual(names.toReversed());
  expect((await bucket.get('object', String(names[0]))).toString()).toBe('first');
  expect(await bucket.list()).toEqual([]);
});

test('the gateway also finds the bucket in the name of the host', async () => {
  const bucket = await gateway.makeBucket();
  await bucket.put('a name', 'content');
  const {protocol, host, hostname} = new URL(gateway.namedEndpoint);
  const script = `
    import {s3Request} from ${JSON.stringify(import.meta.resolve('../support/s3-request.ts'))};
    const [endpoint, key] = process.argv.slice(1);
    console.log((await s3Request(endpoint, JSON.parse(key), {path: '/a name'})).body.toString());`;
  const [unshare, ...inside] = await withHosts([`${bucket.name}.${hostname}`]);
  const {stdout} = await execa(unshare, [
    ...inside, process.execPath, '--input-type=module', '--eval', script,
    '--', `${protocol}//${bucket.name}.${host}`, JSON.stringify(bucket.keys.read),
  ]);
  expect(stdout).toBe('content');
});
