import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {repositorySettings} from '../../../src/cli/dr-dialog.ts';
import {renderDr} from '../../../src/cli/render/dr.ts';
import {readText} from '../config/support.ts';
import {renameForProject} from '../../../src/docker/containers.ts';
import {describeHost, hostsIn} from '../../../src/operations/dr-find.ts';
import {adoptProject, describeDrPlan, requireNothingLive, settingLines, stackLines, type DrPlanText} from '../../../src/operations/dr-plan.ts';
import type {DrReport} from '../../../src/operations/dr.ts';
import {groupSets, manifestTags, sourceTags, type BackupSet} from '../../../src/operations/sets.ts';
import {filesHomeOf} from '../../../src/sources/files/home.ts';
import {problem, thrownBy} from '../support.ts';

const setId = '20261121T020000Z-aaaa';
const marks = {safety: false, incomplete: false, suspicious: false};

function setOf(id: string, digit: string, hostname: string): BackupSet {
  const snapshot = (last: string, tags: string[]) => ({id: `${digit}${last}`.padEnd(64, '0'), time: '2026-11-21T02:00:00Z', hostname, paths: ['/'], tags});
  const [set] = groupSets([snapshot('0', sourceTags(id, 'db')), snapshot('1', sourceTags(id, 'uploads')), snapshot('f', manifestTags(id, ['db', 'uploads'], marks))]);
  if (!set) throw new Error('no set');
  return set;
}

describe('settings that the manifest gives', () => {
  test('the project, unless the configuration names one', () => {
    expect(adoptProject({project: 'shop'}, new Set())).toEqual({COMPOSE_PROJECT_NAME: 'shop'});
    expect(adoptProject({project: 'shop'}, new Set(['COMPOSE_PROJECT_NAME']))).toEqual({});
    expect(adoptProject(undefined, new Set())).toEqual({});
  });

  test.each([
    ['shop-postgres-1', 'new-postgres-1'],
    ['shop_uploads', 'new_uploads'],
    ['shopping_uploads', 'shopping_uploads'],
    ['postgres', 'postgres'],
  ])('%s of the project shop is %s in the project new', (name, renamed) => expect(renameForProject(name, 'shop', 'new')).toBe(renamed));

  test.each(['plain', `Time "tiles" $HOME's \\ ü`, 'a "quoted" name', "it's", 'back\\slash'])('are printed as the configuration reads them back: %s', (value) => {
    expect(readText(settingLines({DB_NAME: value}).join('\n')).values).toEqual({DB_NAME: value});
  });

  test('never show the password of an address', () => {
    expect(settingLines({RESTIC_OFFSITE_REPOSITORY: 'rest:https://me:secret@host/repo'}).join('')).not.toContain('secret');
  });

  test('where files were, from the words of earlier versions', () => {
    expect(filesHomeOf('volume shop_uploads')).toEqual({volume: 'shop_uploads', key: null});
    expect(filesHomeOf('directory /srv/my uploads')).toEqual({directory: '/srv/my uploads'});
    expect(filesHomeOf('elsewhere')).toBeUndefined();
  });
});

describe('a repository on the command line', () => {
  test.each([
    [undefined, {}],
    ['/mnt/repo', {RESTIC_REPOSITORY: '/mnt/repo'}],
    ['repo', {RESTIC_REPOSITORY: join(process.cwd(), 'repo')}],
    ['local:/mnt/repo', {RESTIC_REPOSITORY: '/mnt/repo'}],
    ['s3:https://host/bucket', {RESTIC_OFFSITE_REPOSITORY: 's3:https://host/bucket'}],
    ['sftp:me@host:/repo', {RESTIC_OFFSITE_REPOSITORY: 'sftp:me@host:/repo'}],
  ])('%s', (repository, settings) => expect(repositorySettings(repository)).toEqual(settings));
});

describe('hosts', () => {
  test('each once with its sets, the newest first; copies of one repository count once', () => {
    const sets = [setOf(setId, 'a', 'shop'), setOf('20261120T020000Z-bbbb', 'b', 'shop'), setOf('20261122T020000Z-cccc', 'c', 'other')];
    const copy = {repositoryId: 'f'.repeat(64), epoch: null, restic: {repository: '/r', options: [], environment: {}, roots: new Map()}, sets};
    const hosts = hostsIn([copy, copy]);
    expect(hosts.map(({host, sets: count}) => [host, count])).toEqual([['other', 1], ['shop', 2]]);
    expect(hosts.map(describeHost)[1]).toBe('shop (repository ffffffffffff): 2 sets, the newest of 2026-11-21 02:00 UTC');
  });
});

describe('the plan', () => {
  const plan: DrPlanText = {
    found: {place: '/mnt/repo', isLocal: true, hosts: [{host: 'shop', repositoryId: null, sets: 1, newest: undefined}], host: 'shop', set: setOf(setId, 'a', 'shop')},
    manifest: undefined, homes: [{home: {missing: ['makes the volume shop_uploads']}}], live: [],
  };

  test('in words', () => {
    expect(describeDrPlan(plan, {only: 'db', replace: false, savesFirst: true})).toEqual([
      'found at /mnt/repo:', '    shop: 1 set, none complete', `set ${setId} of shop comes back:`, '    db  (snapshot a0000000)',
      'this machine lacks something for it; timetiles:', '    makes the volume shop_uploads', 'there is no live data here',
    ]);
    const lived = {...plan, homes: [], live: ['the volume x has 2 entries']};
    expect(describeDrPlan(lived, {only: undefined, replace: true, savesFirst: false}).slice(-3)).toEqual([
      'all that it needs is here', 'live data is replaced: the volume x has 2 entries', 'it is NOT saved first',
    ]);
    expect(describeDrPlan(lived, {only: undefined, replace: false, savesFirst: true}).slice(-2)).toEqual([
      'this machine holds live data: the volume x has 2 entries', 'without --replace that is not touched, and nothing is recovered',
    ]);
  });

  test('is refused where there is live data', async () => {
    expect(await thrownBy(() => requireNothingLive(['the volume x has 2 entries']))).toMatchObject(problem('restore', 'the volume x has 2 entries', '--replace'));
    expect(() => requireNothingLive([])).not.toThrow();
  });

  test('says how the stack was set up, where the manifest knows', () => {
    expect(stackLines(undefined)).toEqual([]);
    const containers = [{name: 'shop-web-1', service: 'web', image: 'shop/web:1', imageId: `sha256:${'1'.repeat(64)}`, mounts: [{type: 'volume', source: 'shop_uploads', key: 'uploads', destination: '/app/uploads'}]}];
    const manifest = {format: 1 as const, tool: '', set: setId, time: '', host: 'shop', project: 'shop', state: 'complete' as const, sources: [], stack: {directory: '/srv/shop', files: '/srv/shop/compose.yml', containers}};
    expect(stackLines(manifest)).toEqual(['compose file on shop: /srv/shop/compose.yml', 'shop-web-1: shop/web:1 (sha256:111111111111)', 'shop-web-1: volume shop_uploads at /app/uploads']);
  });
});

describe('the report', () => {
  const report: DrReport = {
    state: 'done', set: setId, host: 'shop', place: '/mnt/repo', restored: ['db', 'uploads'], failures: [], safetySet: null, restarted: [], made: [], remarks: [], stack: [],
    proofs: [{source: 'db', checks: [{name: 'rows', state: 'passed', detail: '3 rows'}]}],
    settings: ['DB_NAME="shop"'], composeDirectory: '/srv/shop',
    times: {find: 1, prepare: 2, stage: 3, swap: 4, checks: 5, start: 0, total: 15},
  };

  test('of a whole recovery', () => {
    const {text, exitCode} = renderDr({...report, made: ['makes the volume a', 'starts the container b, which is exited']}, {configFile: '/opt/timetiles/bootstrap.conf'});
    expect(text).toContain('Made or started:\n  made the volume a\n  started the container b, which is exited\n');
    expect(exitCode).toBe(0);
    expect(text).toMatch(/^Recovered db and uploads of shop from set .* in 15s, and checked it\.$/m);
    expect(text).toContain('find 1.0s, prepare 2.0s, stage 3.0s, swap 4.0s, checks 5.0s');
    expect(text).toMatch(/bootstrap\.conf[^]*\n {2}DB_NAME="shop"/);
    expect(text).toContain('cd /srv/shop && docker compose up -d');
  });

  test('of one that failed in part never claims more than there is', () => {
    const failed = {...report, state: 'failed' as const, restored: ['db'], failures: [{source: 'uploads', message: 'a pack is missing', next: 'Choose another set.'}]};
    const {text, exitCode} = renderDr(failed, {configFile: 'c'});
    expect(exitCode).toBe(1);
    expect(text).toMatch(/^NOT everything of shop came back/);
    expect(text).toContain('uploads: failed: a pack is missing');
    expect(text).not.toContain('Recovered');
  });
});
