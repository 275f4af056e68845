import {describe, expect, it} from 'vitest';
import type {Evidence} from '../../../src/operations/evidence.ts';
import {findings, judgeRestoreTests, type HealthFacts} from '../../../src/operations/health.ts';
import type {KnownSet} from '../../../src/operations/known-sets.ts';
import {metricsText} from '../../../src/operations/metrics.ts';
import {growth, sourcesOf, type StatusReport} from '../../../src/operations/status.ts';
import {timeOfSetId} from '../../../src/shared/set-id.ts';

const now = new Date('2026-11-21T12:00:00Z');

function set(id: string, options: {state?: KnownSet['state']; sources?: string[]; added?: number; suspicions?: string[]; isSafety?: boolean} = {}): KnownSet {
  const {state = 'complete', sources = ['db', 'uploads'], added = 0, suspicions = [], isSafety = false} = options;
  return {id, time: timeOfSetId(id) ?? now, state, host: 'h', isFinished: true, isSafety, isImported: false, isEarlier: false, suspicions, sources: sources.map((source) => ({source, bytes: 100, added, notes: []}))};
}

const today = set('20261121T020000Z-0001');
const yesterday = set('20261120T020000Z-0002');
const older = set('20261118T020000Z-0003');

const installed = {schedule: '0 2 * * *', offsite: false, user: 'root', time: '2026-11-01T00:00:00Z', randomDelay: 0, installed: true} as const;
const schedule: HealthFacts['schedule'] = {state: 'none', schedule: undefined, cronRunning: false, cronRemedy: 'Start it.', next: null, timeZone: 'UTC'};
const facts = (more: Partial<HealthFacts>): HealthFacts => ({now, maxAgeHours: 26, unwanted: new Set(), missingRepository: null, sets: [today, yesterday], lag: undefined, runs: {}, restoreTests: {days: 35, passed: null, due: null, overdue: false}, schedule, unfinished: undefined, ...more});
const keys = (more: Partial<HealthFacts>) => findings(facts(more)).map(({key}) => key);
const lag = (newest: string | null, sets: number): HealthFacts['lag'] => ({url: 's3:x', newest, copied: null, sets, last: null});

describe('findings', () => {
  it.each<[string, Partial<HealthFacts>, string[]]>([
    ['all is well', {}, []],
    ['no repository', {missingRepository: '/gone', sets: []}, ['stale']],
    ['a restore was killed', {unfinished: {message: 'm', next: 'n'}}, ['unfinished']],
    ['no set', {sets: []}, ['stale']],
    ['everything is old', {sets: [older]}, ['stale:db', 'stale:uploads']],
    ['as old as is allowed, to the second', {maxAgeHours: 82, sets: [older]}, []],
    ['one source is left out for days', {sets: [set(today.id, {sources: ['db']}), older]}, ['stale:uploads']],
    ['the newest set is incomplete', {sets: [set(today.id, {state: 'incomplete'}), older]}, ['stale:db', 'stale:uploads']],
    ['an incomplete set after a good one', {sets: [set('20261121T100000Z-0009', {state: 'incomplete'}), today]}, []],
    ['a source that was never in a complete set', {sets: [today, set(yesterday.id, {sources: ['extra'], state: 'incomplete'})]}, ['stale:extra']],
    ['no source beyond those that sets hold is missed', {sets: [set(today.id, {sources: ['db']})]}, []],
    ['the copy is up to date', {lag: lag(today.id, 0)}, []],
    ['the copy is one night behind', {lag: lag(yesterday.id, 1), now: new Date('2026-11-21T03:00:00Z')}, []],
    ['the copy lacks two nights', {sets: [today, yesterday, older], lag: lag(older.id, 2)}, ['offsite-lag']],
    ['a first copy is on its way', {sets: [today], lag: lag(null, 1)}, []],
    ['there never was a copy', {sets: [today, older], lag: lag(null, 2)}, ['offsite-lag']],
    ['the newest set is suspicious', {sets: [set(today.id, {suspicions: ['db: rows fell']}), yesterday]}, ['suspicious']],
    ['also when a restore has made one after it', {sets: [set('20261121T110000Z-0008', {isSafety: true}), set(today.id, {suspicions: ['db: rows fell']})]}, ['suspicious']],
    ['the newest set is one that a restore made', {sets: [set(today.id, {isSafety: true}), older]}, ['stale:db', 'stale:uploads']],
    ['and the copy lacks nothing but that one', {maxAgeHours: 100, sets: [set(today.id, {isSafety: true}), older], lag: lag(older.id, 0), now: new Date('2026-11-22T04:00:00Z')}, []],
    ['an older set was suspicious', {sets: [today, set(yesterday.id, {suspicions: ['db: rows fell']})]}, []],
    ['the entry is there and cron runs', {schedule: {...schedule, state: 'installed', schedule: installed, cronRunning: true, cronRemedy: null}}, []],
    ['the entry has gone', {schedule: {...schedule, state: 'missing', schedule: installed}}, ['schedule']],
    ['cron does not run', {schedule: {...schedule, state: 'installed', schedule: installed}}, ['schedule']],
    ['whether cron runs cannot be seen', {schedule: {...schedule, state: 'installed', schedule: installed, cronRunning: null}}, []],
    ['an old copy of an old set is not behind', {maxAgeHours: 100, sets: [older], lag: lag(older.id, 0)}, []],
  ])('%s', (_, more, expected) => {
    expect(keys(more)).toEqual(expected);
  });

  it('names a job whose last run failed until it has run well', () => {
    const good = {time: '2026-11-20T02:00:00Z', state: 'done' as const, message: null, set: null};
    const failed = {...good, time: '2026-11-21T02:00:00Z', state: 'failed' as const, message: 'the disk is full'};
    const [finding] = findings(facts({runs: {verify: {last: failed, lastGood: good}, prune: {last: good, lastGood: good}}}));
    expect(finding).toMatchObject({key: 'failed:verify', message: 'the last verify failed 10 h ago: the disk is full'});
    expect(keys({runs: {verify: {last: good, lastGood: good}}})).toEqual([]);
  });
});

describe('judgeRestoreTests', () => {
  const day = 86_400_000;
  const ago = (days: number) => new Date(now.getTime() - days * day);
  const evidence = (days: number, state: Evidence['state'] = 'passed'): Evidence => ({
    set: `of ${days} days ago`, time: ago(days).toISOString(), state, from: 'local', repository: '/r', image: null, tool: '1', seconds: 1, checks: {passed: 1, failed: 0, skipped: 0}, problems: [],
  });
  const oldSet = {...today, time: ago(40)};

  it.each<[string, Partial<Parameters<typeof judgeRestoreTests>[0]>, boolean, Date | null]>([
    ['a young host', {}, false, new Date(yesterday.time.getTime() + 35 * day)],
    ['no set yet', {sets: []}, false, null],
    ['none is wanted', {days: 0, sets: [oldSet]}, false, null],
    ['old sets, and never a test', {sets: [today, oldSet]}, true, ago(5)],
    ['young sets alone, since older ones were pruned', {since: ago(36)}, true, ago(1)],
    ['an incomplete old set is nothing to test', {sets: [today, {...oldSet, state: 'incomplete'}]}, false, new Date(today.time.getTime() + 35 * day)],
    ['a test that passed lately', {sets: [oldSet], evidence: [evidence(3)]}, false, new Date(ago(3).getTime() + 35 * day)],
    ['a test that failed lately', {sets: [oldSet], evidence: [evidence(3, 'failed'), evidence(36)]}, true, ago(1)],
    ['a test as old as is allowed', {sets: [oldSet], evidence: [evidence(35)]}, false, now],
  ])('%s', (_, more, overdue, due) => {
    expect(judgeRestoreTests({now, days: 35, evidence: [], sets: [today, yesterday], since: undefined, ...more})).toMatchObject({overdue, due});
  });

  it('is a finding, unless the last test failed, which is one already', () => {
    const overdue = {days: 35, passed: evidence(50), due: ago(15), overdue: true};
    const [finding] = findings(facts({restoreTests: overdue}));
    expect(finding).toMatchObject({key: 'restore-test-overdue', message: 'the last restore test that passed was made 50 days ago, of set of 50 days ago; BACKUP_RESTORE_TEST_DAYS allows 35 days'});
    const failed = {time: now.toISOString(), state: 'failed' as const, message: 'no', set: null};
    expect(keys({restoreTests: overdue, runs: {'restore-test': {last: failed, lastGood: null}}})).toEqual(['failed:restore-test']);
  });
});

it('neither age nor trend of a source is that of a set that a restore made', () => {
  const sources = sourcesOf([set('20261121T110000Z-0008', {isSafety: true}), today, yesterday]);
  expect(sources.map(({newest}) => newest?.set)).toEqual([today.id, today.id]);
  expect(sources[0]?.trend.map((point) => point.set)).toEqual([yesterday.id, today.id]);
});

describe('growth', () => {
  it.each<[string, KnownSet[], number | null]>([
    ['nothing', [], null],
    ['one set', [today], null],
    ['less than a day', [today, set('20261121T010000Z-0004')], null],
    ['what the first set added came before', [set(today.id, {added: 50}), set(yesterday.id, {added: 9000})], 100],
    ['over three days', [set(today.id, {added: 30}), set(yesterday.id, {added: 60}), older], 60],
  ])('%s', (_, sets, expected) => {
    expect(growth(sets)).toBe(expected);
  });
});

it('writes metrics in the text format, and leaves out what is not known', () => {
  const report: StatusReport = {
    sets: 2,
    sources: [{source: 'a "b" \\', newest: {set: today.id, time: today.time}, bytes: 100, added: null, trend: [], notes: []}],
    lag: undefined,
    runs: {},
    restoreTests: {days: 35, passed: null, due: null, overdue: false},
    schedule,
    space: {path: '/r', repositoryBytes: 5, freeBytes: 7, growthPerDay: null, daysUntilFull: null},
    previous: undefined,
    findings: [],
  };
  const text = metricsText(report, now);
  expect(text).toContain('timetiles_healthy 1\n');
  expect(text).toContain(String.raw`timetiles_last_success_timestamp_seconds{source="a \"b\" \\"} 1795226400`);
  expect(text).not.toMatch(/offsite|days_until_full|null|undefined/);
  for (const line of text.trimEnd().split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) timetiles_\w+ .+|timetiles_\w+(\{\w+=".*"\})? -?\d+)$/);
});
