import {expect, it} from 'vitest';
import type {Container} from '../../../src/docker/containers.ts';
import {describePlan, type PlannedStep, type RestorePlan} from '../../../src/operations/restore-plan.ts';
import {sourceByName, sources} from '../../../src/sources/registry.ts';

const time = new Date('2026-11-19T02:00:00Z');

function step(name: string, hasLiveData = true): PlannedStep {
  const source = sourceByName(name);
  if (!source) throw new Error(`no source ${name}`);
  const snapshot = {source: name, id: `${name}00000000000`, time, snapshot: {id: name, time: '', hostname: '', paths: [], tags: []}};
  const stage = () => Promise.resolve([]);
  return {source, snapshot, step: {entry: {}, target: name, plan: [`what happens to ${name}`], warnings: [], mustStop: [], hasLiveData, room: () => Promise.resolve([]), stage}};
}

function container(name: string): Container {
  return {id: name, name, running: true, state: 'running', service: name, project: 'p', image: 'i', imageId: 'i', environment: {}, labels: {}, mounts: [], command: [], workingDirectory: '/', ports: [], health: undefined, startedAt: 0, endedAt: 0, sharesNetwork: false, publishedPorts: {}};
}

function plan(steps: PlannedStep[], stop: string[]): RestorePlan {
  const set = {id: '20261119T020000Z-bbbb', time, state: 'complete', isSafety: false, isSuspicious: false, isImported: false, isEarlier: false, host: 'h', manifest: undefined, snapshots: []} as const;
  return {restoreId: 'ab', set, steps, stop: stop.map(container), warnings: []};
}

it('says what is replaced, saved first and stopped meanwhile', () => {
  expect(describePlan(plan([step('db'), step('uploads')], ['web', 'worker']), true)).toEqual([
    'set 20261119T020000Z-bbbb of 2026-11-19T02:00:00.000Z replaces db and uploads:',
    'db  (snapshot db000000)',
    '    what happens to db',
    'uploads  (snapshot uploads0)',
    '    what happens to uploads',
    'before that, the present state of db and uploads is saved as a set of its own',
    'stopped meanwhile: web, worker',
  ]);
});

it.each([
  ['one source', [step('db')], true, 'before that, the present state of db is saved as a set of its own'],
  ['one of two has live data', [step('db'), step('uploads', false)], true, 'before that, the present state of db is saved as a set of its own'],
  ['nothing to save', [step('db', false)], true, 'the present state is NOT saved first'],
  ['--no-safety-backup', [step('db')], false, 'the present state is NOT saved first'],
])('names the safety set: %s', (_, steps, safety, line) => {
  expect(describePlan(plan(steps, []), safety)).toContain(line);
});

it('says so when nothing has to stop', () => {
  expect(describePlan(plan([step('db')], []), true).at(-1)).toBe('no container has to be stopped');
});

it('finds sources by name, the database first', () => {
  expect(sources.map((source) => source.name)).toEqual(['db', 'uploads']);
  expect(sourceByName('mail')).toBeUndefined();
});
