import {describe, expect, it} from 'vitest';
import {renderBackup} from '../../../src/cli/render/backup.ts';
import {renderDoctor} from '../../../src/cli/render/doctor.ts';
import {describeSetForPicking, renderList} from '../../../src/cli/render/list.ts';
import {renderPrune} from '../../../src/cli/render/prune.ts';
import {renderInspection, renderRestore} from '../../../src/cli/render/restore.ts';
import {describeEvidence, renderRestoreTest} from '../../../src/cli/render/restore-test.ts';
import {renderTable} from '../../../src/cli/render/table.ts';
import {renderVerify} from '../../../src/cli/render/verify.ts';
import {drawBars} from '../../../src/cli/render/status.ts';
import type {ListedSet} from '../../../src/operations/list.ts';
import type {Previous} from '../../../src/operations/previous.ts';
import type {RestoreTestReport} from '../../../src/operations/restore-test.ts';

const time = new Date('2026-11-21T02:00:00Z');
const set = '20261121T020000Z-aaaa';

describe('renderTable', () => {
  it('makes columns as wide as their widest cell and leaves no blanks at the end', () => {
    expect(renderTable([['a', 'long cell', 'x'], ['bbb', 'y', ''], []])).toBe('a    long cell  x\nbbb  y\n');
  });
});

describe('renderBackup', () => {
  const record = {source: 'db', snapshot: 'a'.repeat(64), bytes: 2048, added: 1024, files: 1, seconds: 61, unreadable: [], details: {}};

  it('a complete set: text, JSON of the contract, exit code 0', () => {
    const rendered = renderBackup({state: 'complete', set, time, records: [record, {...record, source: 'uploads', files: 2}], suspicions: [], missingFiles: undefined, warnings: [], notes: [], offsite: null, lag: undefined, exitCode: 0});
    expect(rendered.text).toBe(
      [`Set ${set} is complete.`, '  db       aaaaaaaa  2.00 KiB  1 file   added 1.00 KiB  1m 01s', '  uploads  aaaaaaaa  2.00 KiB  2 files  added 1.00 KiB  1m 01s'].join('\n'),
    );
    expect(rendered.json).toMatchObject({state: 'complete', set, time: '2026-11-21T02:00:00.000Z', offsite: null, warnings: []});
    expect(rendered.json).toMatchObject({snapshots: [{source: 'db', id: 'a'.repeat(64), bytes: 2048, added: 1024, seconds: 61}, {source: 'uploads'}]});
    expect(rendered.exitCode).toBe(0);
  });

  it('an incomplete set: its warnings, exit code 3', () => {
    const rendered = renderBackup({state: 'incomplete', set, time, records: [record], suspicions: [], missingFiles: undefined, warnings: ['1 file could not be read: x'], notes: [], offsite: null, lag: undefined, exitCode: 3});
    expect(rendered.text).toMatch(/is incomplete\.\n[^]*\n {2}warning: 1 file could not be read: x$/);
    expect(rendered).toMatchObject({exitCode: 3, json: {state: 'incomplete', warnings: ['1 file could not be read: x']}});
  });
});

describe('renderList', () => {
  const now = new Date('2026-11-21T05:00:00Z');
  const snapshots = [
    {source: 'db', id: 'd'.repeat(64), time, bytes: 2048, added: 100},
    {source: 'uploads', id: 'e'.repeat(64), time, bytes: null, added: null},
  ];
  const sets: ListedSet[] = [
    {id: set, time, state: 'complete', isSafety: false, isSuspicious: false, isImported: false, isEarlier: false, suspicions: [], restoreTest: null, snapshots},
    {id: 'second', time, state: 'incomplete', isSafety: false, isSuspicious: false, isImported: false, isEarlier: false, suspicions: [], restoreTest: null, snapshots: []},
    {id: 'third', time, state: 'complete', isSafety: true, isSuspicious: false, isImported: false, isEarlier: false, suspicions: [], restoreTest: null, snapshots: []},
  ];

  it('shows id, age, state, and of each source what it is and what it added', () => {
    expect(renderList({sets, lag: undefined}, now).text).toBe(
      [
        `SET                    AGE      ${'STATE'.padEnd(28)}SOURCES`,
        `${set}  3 h ago  ${'complete'.padEnd(28)}db dddddddd 2.00 KiB (+100 B), uploads eeeeeeee size unknown`,
        'second                 3 h ago  incomplete',
        'third                  3 h ago  complete, before a restore',
      ].join('\n'),
    );
    expect(sets.map((listed) => describeSetForPicking(listed, undefined, now).trimEnd()).at(-1)).toBe('third  3 h ago  before a restore');
  });

  it('has the JSON of the contract', () => {
    expect(renderList({sets: sets.slice(0, 1), lag: undefined}, now).json).toEqual({
      sets: [{
        set, time: '2026-11-21T02:00:00.000Z', state: 'complete', beforeRestore: false, suspicious: false, suspicions: [], imported: false, earlier: false, restoreTest: null,
        snapshots: snapshots.map(({source, id, bytes, added}) => ({source, id, time: '2026-11-21T02:00:00.000Z', bytes, added})),
      }],
      offsite: null,
    });
  });

  it('tells how far the offsite copy is behind', () => {
    const lag = {url: 's3:https://s3.example.org/bucket', newest: set, copied: time, sets: 2, last: null};
    const text = (more: object) => renderList({sets: [], lag: {...lag, ...more}}, now).text.split('\n').at(-1);
    expect(text({})).toBe(`Offsite: 2 sets behind; the newest complete one there is ${set}. Catch up: timetiles backup --offsite`);
    expect(text({sets: 0})).toBe(`Offsite: up to date, set ${set} is there.`);
    expect(text({newest: null, last: {state: 'failed', time, message: 'no route'}})).toBe('Offsite: nothing is known to be there yet. Make the copy: timetiles backup --offsite The last try failed: no route.');
    expect(renderList({sets: [], lag}, now).json).toMatchObject({offsite: {newestSet: set, lagSets: 2, copied: '2026-11-21T02:00:00.000Z', last: null}});
  });

  it('says how to begin when there are none', () => {
    expect(renderList({sets: [], lag: undefined}, now)).toEqual({text: 'The repository has no sets yet. Make one: timetiles backup', json: {sets: [], offsite: null}});
  });
});

describe('renderRestoreTest', () => {
  const report: RestoreTestReport = {
    state: 'passed', set, from: 'local', repository: '/r', time, image: {name: 'postgres:17', id: `sha256:${'a'.repeat(64)}`, otherThanMade: null}, warnings: [], seconds: 61,
    proofs: [{source: 'db', checks: [{name: 'rows', state: 'passed', detail: '2 rows'}, {name: 'amcheck', state: 'skipped', detail: 'not there'}]}],
  };

  it('a set that passes: each check on a line, exit code 0', () => {
    const {text, json, exitCode} = renderRestoreTest(report);
    expect(text.split('\n')).toEqual([`Set ${set} can be restored: tested in 1m 01s, from /r.`, 'Image: postgres:17, sha256:aaaaaaaaaaaa.', 'db', '  ok  rows     2 rows', '  -   amcheck  not there']);
    expect(exitCode).toBe(0);
    expect(json).toMatchObject({state: 'passed', set, from: 'local', time: time.toISOString(), sources: report.proofs});
  });

  it('a set that fails: exit code 1, and it is shown so in lists', () => {
    const failed = {...report, state: 'failed', image: null, warnings: ['it is old'], proofs: [{source: 'db', checks: [{name: 'rows', state: 'failed', detail: '1 row, not 2'}]}]} as const;
    expect(renderRestoreTest(failed)).toMatchObject({text: `Set ${set} CANNOT be restored as it was: tested in 1m 01s, from /r.\ndb\n  FAIL  rows  1 row, not 2\nwarning: it is old`, exitCode: 1});
    expect(describeEvidence({state: 'failed', time: time.toISOString()}, new Date('2026-11-24T02:00:00Z'))).toBe('restore test FAILED 3 days ago');
  });
});

describe('renderRestore', () => {
  const report = {set, restored: ['db', 'uploads'], safetySet: 'before', restarted: ['web'], seconds: 3.2, missing: [], remarks: []};
  const previous: Previous = {id: 'a', set, time: '2026-11-21T02:00:00.000Z', entries: [], stopped: [], safetySet: 'before', kept: true, reason: null, bytes: 2048, items: [], undropped: [], until: null};

  it('names what was restored, what runs again and the way back', () => {
    const {text, json} = renderRestore({...report, previous});
    expect(text).toBe(
      `Restored db and uploads from set ${set} in 3s.\nRunning again: web\nThe state before is set before; to return to it: timetiles restore before\nIts data is kept until the next backup and takes 2.00 KiB; to return to it at once: timetiles restore --undo`,
    );
    expect(json).toEqual({state: 'done', ...report, previous: {kept: true, bytes: 2048, until: null}});
  });

  it('says that the state before was not saved', () => {
    expect(renderRestore({...report, previous: {...previous, kept: false}, safetySet: null, restarted: []}).text).toBe(`Restored db and uploads from set ${set} in 3s.\nThe state before was not saved as a set.\nIts data is not kept.`);
  });

  it('an inspection names every path', () => {
    const {text, json} = renderInspection({set, restored: ['db'], paths: ['/t/database.sql'], warnings: ['it is old'], missing: []});
    expect(text).toBe(`Wrote db of set ${set}; nothing live was touched:\n  /t/database.sql\nwarning: it is old`);
    expect(json).toMatchObject({state: 'done', set, restored: ['db'], safetySet: null, restarted: [], paths: ['/t/database.sql']});
  });
});

describe('renderDoctor', () => {
  const ok = {name: 'restic', state: 'ok', message: 'restic 0.19.1'} as const;

  it('puts each remedy below its finding', () => {
    const {text, exitCode} = renderDoctor([ok, {name: 'repository', state: 'fail', message: 'is gone', remedy: 'Mount it.'}]);
    expect(text).toBe('ok    restic      restic 0.19.1\nFAIL  repository  is gone\n                  Mount it.\nA backup would fail.');
    expect(exitCode).toBe(1);
  });

  it('a warning is no failure', () => {
    const {text, exitCode, json} = renderDoctor([ok, {name: 'clock', state: 'warn', message: 'is late', remedy: 'Set it.'}]);
    expect(text).toMatch(/^WARN {2}clock {3}is late\n {14}Set it\.\nA backup can run\.$/m);
    expect(exitCode).toBe(0);
    expect(json).toMatchObject({state: 'ok', checks: [{name: 'restic'}, {name: 'clock', state: 'warn', remedy: 'Set it.'}]});
  });
});

describe('renderPrune', () => {
  const now = new Date('2026-11-21T05:00:00Z');
  const backupSet = {id: set, time, state: 'complete', isSafety: false, isSuspicious: false, isImported: false, isEarlier: false, host: 'h', manifest: 'm', snapshots: []} as const;
  const old = {...backupSet, id: '20261001T020000Z-bbbb', time: new Date('2026-10-01T02:00:00Z'), isSafety: true};
  const report = {kept: [{set: backupSet, reasons: ['last', 'newest']}], removed: [{set: old, reason: 'expired'}], held: null, warnings: ['odd']} as const;

  it('says what went, what stays and why', () => {
    const {text, json} = renderPrune({dryRun: false, freedBytes: 2048, offsite: {state: 'skipped', report: null, message: 'write-only credentials'}, ...report}, now);
    expect(text.split('\n').map((line) => line.replaceAll(/ {2,}/g, '|'))).toEqual([
      'SET|AGE|STATE|DECISION',
      `${set}|3 h ago|complete|kept: last, newest of its kind`,
      '20261001T020000Z-bbbb|51 days ago|complete, before a restore|removed: no rule keeps it',
      'Removed 1 set and freed 2.00 KiB; 1 set stays.',
      'warning: odd',
      'Offsite: skipped, write-only credentials.',
    ]);
    expect(json).toMatchObject({dryRun: false, removed: [{set: old.id, reason: 'expired'}], kept: [{set, reasons: ['last', 'newest']}], freedBytes: 2048, offsite: {state: 'skipped', message: 'write-only credentials'}});
  });

  it('what is held names the reason and both ways on', () => {
    const {text, json} = renderPrune({...report, dryRun: false, freedBytes: null, offsite: null, removed: [], held: 'the newest set is odd'}, now);
    expect(text).toContain('Nothing was removed: the newest set is odd.\nLook at it: timetiles backup status. To remove what no rule keeps all the same: timetiles backup prune --force');
    expect(json).toMatchObject({held: 'the newest set is odd', removed: []});
  });

  it('a dry run says that nothing was changed', () => {
    expect(renderPrune({dryRun: true, freedBytes: null, offsite: null, ...report}, now).text).toContain('1 set would be removed; 1 set stays. Nothing was changed.');
    expect(renderPrune({dryRun: true, freedBytes: 2048, offsite: null, ...report}, now).text).toContain('1 set would be removed, which frees about 2.00 KiB; 1 set stays.');
  });
});

describe('renderVerify', () => {
  const report = {state: 'ok', readPercent: 10, part: {number: 3, of: 10}, problems: [], repair: [], sets: 14, newestSet: set, age: 3660, warnings: []} as const;

  it('a sound repository: exit code 0', () => {
    expect(renderVerify(report)).toEqual({
      text: `The repository is sound: 14 sets, structure checked, part 3 of 10 of the data read; newest complete set ${set}, made 1h 01m ago.`, json: report, exitCode: 0,
    });
  });

  it('a damaged one: what is wrong, how to repair it, exit code 1', () => {
    const {text, exitCode} = renderVerify({...report, state: 'damaged', problems: ['pack x: does not exist'], repair: ['Mend it: restic'], newestSet: null, age: null});
    expect(text).toBe('The repository is DAMAGED:\n  pack x: does not exist\nTo repair it (export RESTIC_PASSWORD first):\n  1. Mend it: restic');
    expect(exitCode).toBe(1);
  });

  it('a badly damaged one: the first 20 problems, and all of them as JSON', () => {
    const problems = Array.from({length: 30}, (_, index) => `problem ${index}`);
    const {text, json} = renderVerify({...report, state: 'damaged', problems});
    expect(text).toContain('  problem 19\n  and 10 more (--json has them all)\nNewest');
    expect(json).toMatchObject({problems});
  });

  it.each([
    [{part: null}, 'structure checked (--read-data also reads the content); newest'],
    [{part: {number: 1, of: 1}}, 'structure checked, all of the data read; newest'],
    [{sets: 0, newestSet: null, age: null}, 'The repository is sound: 0 sets, structure checked, part 3 of 10 of the data read; no set is complete.'],
  ])('the verdict of %j', (change, words) => {
    expect(renderVerify({...report, ...change}).text).toContain(words);
  });
});

describe('drawBars', () => {
  it.each<[string, (number | null)[], string]>([
    ['nothing', [], ''],
    ['one size', [5], '█'],
    ['growth', [1, 2, 4, 8], '▂▃▅█'],
    ['a loss', [100, 100, 0], '██▁'],
    ['an unknown size', [4, null, 4], '█ █'],
    ['empty sources', [0, 0], '▁▁'],
  ])('%s', (_, sizes, bars) => {
    expect(drawBars(sizes)).toBe(bars);
  });
});
