import {readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {answer} from '../../../src/cli/complete/answer.ts';
import {interpret, type Grammar} from '../../../src/cli/complete/grammar.ts';
import {candidatesOfSets} from '../../../src/cli/complete/sets.ts';
import {rememberSetNames, type SetName, type SnapshotName} from '../../../src/operations/set-names.ts';
import {settingsSchema} from '../../../src/config/settings.ts';
import {temporaryDirectory} from '../support.ts';

const flag = (name: string, more: object = {}) => ({[name]: {name, type: 'option' as const, description: `about ${name}`, ...more}});
const command = (summary: string, more: object = {}) => ({summary, args: {}, flags: {}, ...more});
const grammar: Grammar = {
  commands: {
    backup: command('make a set', {flags: flag('offsite', {type: 'boolean', char: 'o'})}),
    'backup:db': command('the database'),
    'backup:secret': command('hidden', {hidden: true}),
    'config:check': command('check', {args: {file: {name: 'file'}}}),
    'backup:import': command('import', {strict: false, args: {files: {name: 'files'}}}),
    dr: command('recover', {args: {repository: {name: 'repository'}}, flags: flag('set', {helpValue: 'SET'})}),
    restore: command('restore', {
      usage: ['restore [latest | SET | SNAPSHOT]', 'restore --undo'],
      args: {set: {name: 'set'}, mode: {name: 'mode', options: ['fast', 'slow']}, inner: {name: 'inner', hidden: true}},
      flags: {
        ...flag('only', {options: ['db', 'uploads']}),
        ...flag('config', {helpValue: 'FILE'}),
        ...flag('target', {helpValue: 'DIR'}),
        ...flag('path', {helpValue: 'P'}),
        ...flag('yes', {type: 'boolean', char: 'y'}),
        ...flag('tag', {multiple: true}),
        ...flag('safety-backup', {type: 'boolean', allowNo: true}),
        ...flag('inner', {hidden: true}),
      },
    }),
  },
  topics: {config: {description: 'the configuration'}},
};
const silent = {showsProgress: false, info: () => {}, warn: () => {}, debug: () => {}, progress: () => {}};
const wordsAt = (...words: string[]) => interpret(grammar, words).candidates.map(({word}) => word);
const flagsOfRestore = ['--only', '--config', '--target', '--path', '--yes', '--tag', '--safety-backup', '--no-safety-backup', '--help'];

describe('what may follow', () => {
  it.each([
    ['nothing: commands and topics', [''], ['backup', 'config', 'dr', 'restore']],
    ['a dash: what the tool itself knows', ['-'], ['--help', '--version']],
    ['a command with others below it', ['backup', ''], ['db', 'import']],
    ['a topic', ['config', ''], ['check']],
    ['a topic and a dash', ['config', '--'], ['--help']],
    ['a command and a dash', ['backup', '-'], ['--offsite', '--help']],
    ['a command without arguments', ['backup', 'db', ''], ['--help']],
    ['one of its flags', ['backup', '--offsite', ''], ['--help']],
    ['one of its flags, short', ['backup', '-o', '-'], ['--help']],
    ['help', ['help', 'backup', ''], ['db', 'import']],
    ['help and a dash', ['help', '-'], []],
    ['an unknown command', ['nonsense', ''], []],
    ['a hidden command', ['backup', 'secret', ''], ['--help']],
    ['a dash: all flags but the hidden', ['restore', '-'], flagsOfRestore],
    ['flags that are given already, but for those that may be repeated', ['restore', '--only', 'db', '--no-safety-backup', '--yes', '--tag', 'x', '-'], ['--config', '--target', '--path', '--tag', '--help']],
    ['a flag with options', ['restore', '--only', ''], ['db', 'uploads']],
    ['the same in one word', ['restore', '--only=d'], ['db', 'uploads']],
    ['a flag with a value of its own', ['restore', '--path', ''], []],
    ['an unknown flag in one word', ['restore', '--nothing='], []],
    ['a flag that takes none', ['restore', '--yes='], []],
    ['the second argument', ['restore', 'latest', ''], ['fast', 'slow']],
    ['the second argument after a flag with its value', ['restore', '--only=db', '--path', 'x', 'latest', ''], ['fast', 'slow']],
    ['all arguments', ['restore', 'latest', 'fast', ''], flagsOfRestore],
    ['all arguments and a part of a word', ['restore', 'latest', 'fast', 'x'], []],
    ['two dashes', ['restore', 'latest', '--', '-'], ['fast', 'slow']],
  ])('%s', (_, words, expected) => {
    expect(wordsAt(...words)).toEqual(expected);
  });

  it.each([
    [['restore', ''], 'sets and snapshots'],
    [['restore', '--config', ''], 'files'],
    [['restore', '--config=/e'], 'files'],
    [['restore', '--target', ''], 'directories'],
    [['dr', '--set', ''], 'sets'],
    [['dr', ''], 'directories'],
    [['config', 'check', ''], 'files'],
    [['backup', 'import', 'one', 'two', ''], 'files'],
    [['restore', '--path', ''], 'none'],
  ])('after %j: %s', (words, values) => {
    expect(interpret(grammar, words)).toEqual({candidates: [], values});
  });

  it('is described by summaries, topics and flags', () => {
    expect(interpret(grammar, ['']).candidates).toContainEqual({word: 'config', description: 'the configuration'});
    expect(interpret(grammar, ['']).candidates).toContainEqual({word: 'backup', description: 'make a set'});
    expect(interpret(grammar, ['restore', '--']).candidates).toContainEqual({word: '--only', description: 'about only'});
  });
});

const snapshot = (digit: string, source: string, bytes: number | null = 1536) => ({id: digit.repeat(64), source, bytes});
const set = (id: string, more: Partial<SetName> = {}): SetName => ({id, state: 'complete', isSafety: false, isSuspicious: false, snapshots: [snapshot('a', 'db')], ...more});

describe('sets', () => {
  const names = [
    set('20261122T120000Z-0001', {isSafety: true, isSuspicious: true}),
    set('20261121T120000Z-0001', {snapshots: [snapshot('b', 'db', null), snapshot('c', 'uploads')]}),
    set('20261120T120000Z-0001', {state: 'incomplete', snapshots: []}),
  ];

  it('come with latest, which is the newest complete one that no restore made, and with date, state and sizes', () => {
    const candidates = candidatesOfSets(names, '', false);
    expect(candidates.map(({word}) => word)).toEqual(['latest', ...names.map(({id}) => id)]);
    expect(candidates[0]?.description).toMatch(/^the newest complete set: 2026-11-21 /);
    expect(candidates[1]?.description).toMatch(/^2026-11-2\d \d\d:\d\d, complete, before a restore, suspicious, db 1\.50 KiB$/);
    expect(candidates[2]?.description).toMatch(/, complete, db, uploads 1\.50 KiB$/);
    expect(candidates[3]?.description).toMatch(/, incomplete$/);
    expect(candidatesOfSets([], '', true)).toEqual([{word: 'latest', description: 'the newest complete set'}]);
  });

  it('come with their snapshots, short until more of the id is typed', () => {
    const snapshots = (current: string) => candidatesOfSets(names, current, true).slice(4).map(({word}) => word);
    expect(snapshots('')).toEqual(['a'.repeat(8), 'b'.repeat(8), 'c'.repeat(8)]);
    expect(snapshots('bbbbbbbbb')).toContain('b'.repeat(64));
    expect(candidatesOfSets(names, '', true).at(-1)?.description).toMatch(/^2026-11-21 \d\d:\d\d, uploads 1\.50 KiB, of set 20261121T120000Z-0001$/);
  });

  it('are no candidates when their ids could do something on a command line', () => {
    const hostile = [set('$(reboot)'), set('20261121T120000Z-0001; reboot'), set('20261121T120000Z-0002', {snapshots: [{id: '`reboot`', source: 'x', bytes: 1}]})];
    expect(candidatesOfSets(hostile, '', true).map(({word}) => word)).toEqual(['latest', '20261121T120000Z-0002']);
  });
});

describe('answer', () => {
  /** An installation directory on which the sets of a repository were listed. */
  const homeWith = async (names: readonly SetName[], repository: string) => {
    const path = temporaryDirectory();
    const settings = settingsSchema.parse({RESTIC_REPOSITORY: repository});
    const context = {settings, stateDirectory: join(path, 'state'), restic: {repository, options: [], environment: {}, roots: new Map()}, log: silent};
    const toSnapshot = ({id, source, bytes}: SnapshotName) => ({id, source, time: new Date(0), snapshot: {id, time: '', hostname: '', paths: [], tags: [], original: undefined, summary: {total_bytes_processed: bytes ?? 0}}});
    await rememberSetNames(context, names.map(({snapshots, ...rest}) => ({...rest, time: new Date(0), isImported: false, isEarlier: false, host: '', manifest: '', snapshots: snapshots.map((name) => toSnapshot(name))})));
    return path;
  };
  const ask = (environment: Record<string, string>, ...words: string[]) => answer(grammar, {words, environment});

  it('is a line each, the word, a tab, the description', () => {
    expect(ask({}, '')).toContain('config\tthe configuration');
    expect(ask({}, 'restore', '--only', '=', 'd')).toEqual(['db\t', 'uploads\t']);
    expect(ask({}, 'restore', '--only', '=')).toEqual(['db\t', 'uploads\t']);
    expect(ask({}, 'restore', '--target', '')).toEqual([':directories']);
  });

  it('has no control characters', () => {
    const names = [set('20261121T120000Z-0001', {snapshots: [snapshot('a', 'd\u001B[2J\tb\n')]})];
    expect(candidatesOfSets(names, '', false)[1]?.description).toContain('\u001B');
    const hostile: Grammar = {commands: {'bad\u0007': command('x'), 'two words': command('x'), good: command('a\tb\nc\u001B')}, topics: {}};
    expect(answer(hostile, {words: [''], environment: {}})).toEqual([`good\t${String.raw`a\x09b\x0ac\x1b`}`]);
  });

  it('tells the sets of the repository that the configuration names', async () => {
    const path = await homeWith([set('20261121T120000Z-0001')], '/srv/one');
    const ids = (environment: Record<string, string>, ...words: string[]) => ask({TIMETILES_HOME: path, ...environment}, ...words).map((line) => line.split('\t')[0]);
    expect(ids({}, 'restore', '')).toEqual(['latest']);
    writeFileSync(join(path, 'bootstrap.conf'), 'RESTIC_REPOSITORY="/srv/one"\n');
    expect(ids({}, 'restore', '')).toEqual(['latest', '20261121T120000Z-0001', 'aaaaaaaa']);
    expect(ids({}, 'dr', '--set', '')).toEqual(['latest', '20261121T120000Z-0001']);
    // Snapshots have other ids offsite.
    expect(ids({}, 'restore', '--offsite', '')).toEqual(['latest', '20261121T120000Z-0001']);
    expect(ids({RESTIC_REPOSITORY: '/srv/two'}, 'restore', '')).toEqual(['latest']);
    writeFileSync(join(path, 'other.conf'), "export RESTIC_REPOSITORY='/srv/two' # another\n");
    expect(ids({}, 'restore', '--config', join(path, 'other.conf'), '')).toEqual(['latest']);
    expect(ids({}, 'restore', `--config=${join(path, 'other.conf')}`, '')).toEqual(['latest']);
    writeFileSync(join(path, '.env.production'), 'RESTIC_REPOSITORY=/srv/two\n');
    expect(ids({}, 'restore', '')).toEqual(['latest']);
    expect(ids({}, 'restore', '--config', join(path, 'bootstrap.conf'), '')).toHaveLength(3);
  });

  it.each(['', '{"format":1,"sets":[{"id":1}]}', '{"format":2,"sets":[]}', 'null', '{"format":1,"sets":[nu'])('goes without sets when what was kept is %j', async (text) => {
    const path = await homeWith([set('20261121T120000Z-0001')], '/opt/timetiles/backups/restic-repo');
    for (const name of readdirSync(join(path, 'state'))) writeFileSync(join(path, 'state', name), text);
    expect(ask({TIMETILES_HOME: path}, 'restore', '')).toEqual(['latest\tthe newest complete set']);
  });
});
