import {describe, expect, it} from 'vitest';
import {guessProvider, providerAdvice} from '../../../src/offsite/policy/providers.ts';
import {policyLevels, providerNames, type PolicyLevel, type PolicyRequest, type ProviderAdvice, type ProviderName} from '../../../src/offsite/policy/types.ts';

interface AnyStatement {
  Sid: string;
  Effect: 'Allow' | 'Deny';
  Principal?: unknown;
  Action: string[];
  Resource: string[];
  Condition?: Record<string, Record<string, unknown>>;
}

const location = {host: 's3.example.org', bucket: 'my-bucket', prefix: 'backups/host1'};
const withPolicies = ['aws', 'minio', 'ceph', 'wasabi', 'generic'] as const satisfies readonly ProviderName[];

function advise(provider: ProviderName, request: Partial<PolicyRequest> = {}): ProviderAdvice {
  return providerAdvice(provider, {location, level: 'write-only', expireDays: 0, ...request});
}

interface AnyDocument {
  Statement?: AnyStatement[];
  Rules?: Record<string, unknown>[];
}

function documents(advice: ProviderAdvice): {title: string; value: AnyDocument}[] {
  return advice.policies.filter(({format}) => format === 'json').map(({title, text}) => ({title, value: JSON.parse(text)}));
}

function statements(advice: ProviderAdvice, wanted: RegExp = /./): AnyStatement[] {
  return documents(advice).flatMap(({title, value}) => (wanted.test(title) ? (value.Statement ?? []) : []));
}

function serverStatements(provider: ProviderName, request: Partial<PolicyRequest> = {}): AnyStatement[] {
  return statements(advise(provider, request), /key is on the server/);
}

function allowed(list: AnyStatement[]): string[] {
  return list.flatMap(({Effect, Action}) => (Effect === 'Allow' ? Action : []));
}

function everything(advice: ProviderAdvice): string {
  return [...advice.policies.map(({text}) => text), ...advice.settings.map(({name, value, why}) => `${name}: ${value}: ${why}`), ...advice.limits].join('\n');
}

describe.each(withPolicies)('policies for %s', (provider) => {
  it.each(policyLevels)('%s: name this bucket and prefix, and nothing broader', (level) => {
    for (const expireDays of [0, 90]) {
      const list = statements(advise(provider, {level, expireDays}));
      expect(list.length).toBeGreaterThan(0);
      for (const {Effect, Action, Resource, Condition, Sid} of list) {
        for (const resource of Resource) expect(resource).toMatch(/^arn:aws:s3:::my-bucket($|\/)/);
        if (Effect === 'Allow') for (const resource of Resource) expect(['arn:aws:s3:::my-bucket', 'arn:aws:s3:::my-bucket/backups/host1/*']).toContain(resource);
        for (const action of Action) expect(action).toMatch(/^s3:[A-Za-z]+$/);
        if (Sid.endsWith('List')) expect(Condition).toStrictEqual({StringLike: {'s3:prefix': ['backups/host1/*']}});
      }
    }
  });

  it('a write-only key may put objects and do nothing else', () => {
    expect(allowed(serverStatements(provider))).toStrictEqual(['s3:PutObject']);
  });

  it('only read-write may delete, and not even that may delete versions', () => {
    const levels: PolicyLevel[] = ['write-only', 'append-only', 'reading'];
    for (const level of levels) expect(allowed(statements(advise(provider, {level}))).join(' ')).not.toContain('Delete');
    expect(allowed(serverStatements(provider, {level: 'read-write'}))).toContain('s3:DeleteObject');
    expect(allowed(serverStatements(provider, {level: 'read-write'})).join(' ')).not.toMatch(/Version|Bypass|Retention|Policy|Lifecycle/);
  });

  it('the reading key may read and list, and is the only one printed at the level reading', () => {
    const reading = statements(advise(provider, {level: 'reading'}));
    expect(allowed(reading)).toStrictEqual(['s3:GetObject', 's3:ListBucket', 's3:GetBucketLocation']);
    expect(allowed(statements(advise(provider), /reading/))).toStrictEqual(expect.arrayContaining(['s3:GetObject', 's3:ListBucket']));
    expect(advise(provider, {level: 'reading'}).limits.join(' ')).toContain('off the server');
  });

  it('objects expire only with OFFSITE_EXPIRE_DAYS, and then after exactly that time', () => {
    const rules = (expireDays: number) => documents(advise(provider, {expireDays})).flatMap(({value}) => value.Rules ?? []);
    expect(rules(0).map((rule) => rule['Expiration']).filter(Boolean)).toStrictEqual([{ExpiredObjectDeleteMarker: true}]);
    expect(rules(90).map((rule) => rule['Expiration']).filter(Boolean)).toStrictEqual([{Days: 90}]);
    for (const rule of [...rules(0), ...rules(90)]) {
      expect(rule['Filter']).toStrictEqual({Prefix: 'backups/host1/'});
      expect(Object.keys(rule).some((key) => key.includes('Transition'))).toBe(false);
    }
  });

  it('the whole bucket, when there is no prefix', () => {
    const list = statements(advise(provider, {location: {...location, prefix: ''}, level: 'append-only'}));
    expect(list.flatMap(({Effect, Resource}) => (Effect === 'Allow' ? Resource : []))).toContain('arn:aws:s3:::my-bucket/*');
    expect(JSON.stringify(list)).not.toContain('s3:prefix');
  });

  it('slashes around a prefix change nothing; blanks and quotes stay as they are', () => {
    expect(advise(provider, {location: {...location, prefix: '/backups/host1/'}})).toStrictEqual(advise(provider));
    expect(serverStatements(provider, {location: {...location, prefix: 'my "back ups"/ü'}})[0]?.Resource).toStrictEqual(['arn:aws:s3:::my-bucket/my "back ups"/ü/*']);
  });
});

describe('a prefix that policies would read as a wildcard', () => {
  it('is quoted for AWS', () => {
    const [objects] = serverStatements('aws', {location: {...location, prefix: 'a*b?c${d}'}});
    expect(objects?.Resource).toStrictEqual(['arn:aws:s3:::my-bucket/a${*}b${?}c${$}{d}/*']);
  });

  it.each(['minio', 'ceph', 'wasabi', 'generic'] as const)('is refused for %s', (provider) => {
    for (const prefix of ['a*', 'a?b', 'x/${aws:username}']) expect(() => advise(provider, {location: {...location, prefix}})).toThrow(/wildcard/);
  });
});

describe('aws', () => {
  it('refuses uploads without If-None-Match, for levels that replicate', () => {
    expect(statements(advise('aws'), /new keys only/)).toStrictEqual([
      {Sid: 'OnlyNewKeys', Effect: 'Deny', Principal: '*', Action: ['s3:PutObject'], Resource: ['arn:aws:s3:::my-bucket/backups/host1/*'], Condition: {Null: {'s3:if-none-match': 'true'}}},
    ]);
    expect(everything(advise('aws', {level: 'append-only'}))).toContain('s3:if-none-match');
    expect(everything(advise('aws', {level: 'read-write'}))).not.toContain('s3:if-none-match');
  });

  it.each([
    ['s3.cn-north-1.amazonaws.com.cn', 'arn:aws-cn:'],
    ['s3.us-gov-west-1.amazonaws.com', 'arn:aws-us-gov:'],
  ])('%s has ARNs of its own', (host, start) => {
    for (const {Resource} of statements(advise('aws', {location: {...location, host}}))) expect(Resource[0]).toMatch(start);
  });

  it('locks for as long as objects live', () => {
    expect(documents(advise('aws', {expireDays: 60})).find(({title}) => title.includes('lock.json'))?.value).toMatchObject({Rule: {DefaultRetention: {Mode: 'COMPLIANCE', Days: 60}}});
  });
});

describe.each(['ceph', 'generic'] as const)('%s', (provider) => {
  it('denies the uploader, who owns what it uploads, everything else', () => {
    const denied = serverStatements(provider).filter(({Effect}) => Effect === 'Deny');
    const actions = denied.flatMap(({Action}) => Action);
    expect(actions).toStrictEqual(expect.arrayContaining(['s3:GetObject', 's3:GetObjectVersion', 's3:DeleteObject', 's3:DeleteObjectVersion', 's3:ListBucket', 's3:ListBucketVersions', 's3:PutObjectAcl', 's3:PutBucketPolicy']));
    expect(actions).not.toContain('s3:PutObject');
  });

  it('no Deny takes back what a level allows, and each statement has a name of its own', () => {
    for (const level of policyLevels) {
      const list = statements(advise(provider, {level}), level === 'reading' ? /./ : /The same with/);
      for (const user of new Set(list.map(({Principal}) => JSON.stringify(Principal)))) {
        const own = list.filter(({Principal}) => JSON.stringify(Principal) === user);
        const denied = new Set(own.flatMap(({Effect, Action}) => (Effect === 'Deny' ? Action : [])));
        expect(allowed(own).filter((action) => denied.has(action))).toStrictEqual([]);
      }
      expect(new Set(list.map(({Sid}) => Sid)).size).toBe(list.length);
    }
  });
});

describe('providers without policies', () => {
  it('B2: a write-only key has writeFiles alone; hiding is said', () => {
    const [key] = advise('b2').policies;
    expect(key?.text).toBe('b2 key create --bucket my-bucket --name-prefix backups/host1/ timetiles-server writeFiles');
    expect(everything(advise('b2'))).toMatch(/hide files/);
    expect(everything(advise('b2', {expireDays: 90}))).toContain('"daysFromUploadingToHiding":90');
    expect(everything(advise('b2'))).toContain('"daysFromUploadingToHiding":null');
  });

  it('R2: says that there is no write-only permission, and locks what is there', () => {
    const text = everything(advise('r2'));
    expect(text).toContain('no write-only permission');
    expect(text).toContain('lock add my-bucket timetiles-2 backups/host1/data/ --retention-days 365');
    expect(text).not.toContain('/locks/ --retention');
    expect(text).not.toContain('--expire-days');
    expect(everything(advise('r2', {expireDays: 90}))).toContain('lifecycle add my-bucket timetiles-expire backups/host1/ --expire-days 90');
  });

  it('an awkward prefix is one word of the shell', () => {
    const request = {location: {...location, prefix: "it's; rm -rf $HOME"}};
    expect(advise('b2', request).policies[0]?.text).toContain(`--name-prefix 'it'\\''s; rm -rf $HOME/' timetiles-server`);
    expect(everything(advise('r2', request))).toContain(`'it'\\''s; rm -rf $HOME/data/'`);
  });
});

describe('every provider', () => {
  it.each(providerNames)('%s: each setting and policy has words, and the reading key is kept away', (provider) => {
    for (const level of policyLevels) {
      const advice = advise(provider, {level});
      for (const {title, text} of advice.policies) expect(`${title}${text}`).not.toMatch(/undefined|null,?\s*$/);
      for (const setting of advice.settings) for (const part of Object.values(setting)) expect(part).not.toBe('');
      expect(advice.limits.join('\n')).toContain('Keep the reading key off the server');
      expect(everything(advice)).toContain('my-bucket');
    }
  });

  it.each(providerNames)('%s: says what becomes of conditional writes, locks and current objects', (provider) => {
    const names = advise(provider).settings.map(({name}) => name).join('\n');
    for (const word of ['conditional writes', 'versioning', 'lock', 'lifecycle: current objects']) expect(names).toContain(word);
  });
});

describe('guessProvider', () => {
  it.each([
    ['s3.amazonaws.com', 'aws'],
    ['my-bucket.s3.eu-central-1.amazonaws.com', 'aws'],
    ['s3.cn-north-1.amazonaws.com.cn', 'aws'],
    ['s3.us-west-004.backblazeb2.com', 'b2'],
    ['s3.eu-central-2.wasabisys.com', 'wasabi'],
    ['0123.eu.r2.cloudflarestorage.com', 'r2'],
    ['minio.example.org:9000', 'minio'],
    ['my-minio', 'minio'],
    ['rgw.example.org', 'ceph'],
    ['CEPH1.example.org', 'generic'],
    ['amazonaws.com.example.org', 'generic'],
    ['notbackblazeb2.com', 'generic'],
    ['127.0.0.1:9000', 'generic'],
  ])('%s: %s', (host, provider) => {
    expect(guessProvider(host)).toBe(provider);
  });
});
