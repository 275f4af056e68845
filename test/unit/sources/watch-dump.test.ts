import {setTimeout as sleep} from 'node:timers/promises';
import {describe, expect, it, vi} from 'vitest';
import {describeObstacle, type Guard, type Obstacle, type Situation} from '../../../src/sources/postgres/guard.ts';
import {watchDump, watchRest} from '../../../src/sources/postgres/watch-dump.ts';

const quiet: Situation = {dump: 7, waits: false, locked: 0, copies: false, blocks: false};
const obstacle: Obstacle = {table: 'c', oid: 16_400, prepared: false, holders: [{pid: 9, user: 'app', application: 'worker', state: 'active', seconds: 3, command: 'VACUUM', waits: false}]};

/** A guard that sees one situation after the other, and the last one from then on. */
function guardThatSees(situations: readonly Situation[], found: Obstacle | undefined = obstacle): Guard & {ended: string[]} {
  const left = [...situations];
  const ended: string[] = [];
  return {
    ended,
    look: async () => (left.length > 1 ? left.shift() : left[0]) ?? quiet,
    findObstacle: async () => found,
    end: async (part) => void ended.push(part),
    exportSnapshot: async () => 'a snapshot',
    isContended: async () => false,
    hasChanged: async () => false,
    release: async () => undefined,
  };
}

function watch(overrides: {deadline?: number; lockable?: number} = {}) {
  return {deadline: overrides.deadline ?? Date.now() + 60_000, lockable: () => overrides.lockable, onLocked: vi.fn<(pid: number) => void>(), onCopies: vi.fn<() => void>(), onWaits: vi.fn<(obstacle: Obstacle) => void>()};
}

describe('watchDump', () => {
  it('tells once when all tables are locked, and when rows are written', async () => {
    const hooks = watch({lockable: 3});
    const guard = guardThatSees([{...quiet, dump: null}, {...quiet, locked: 2}, {...quiet, locked: 3}, {...quiet, locked: 4, copies: true}]);
    expect(await watchDump(guard, sleep(900), hooks)).toEqual({state: 'ended', hasLocked: true, hasCopied: true, waited: false});
    expect(hooks.onLocked.mock.calls).toEqual([[7]]);
    expect(hooks.onCopies).toHaveBeenCalledTimes(1);
  });

  it('gives way when the app waits for a dump that waits, not before', async () => {
    const begin = Date.now();
    expect(await watchDump(guardThatSees([{...quiet, waits: true, blocks: true}]), new Promise(() => undefined), watch())).toEqual({state: 'blocked', obstacle});
    expect(Date.now() - begin).toBeGreaterThanOrEqual(450);
  });

  it.each([
    ['nobody waits for it', {...quiet, waits: true}],
    ['it does not wait itself', {...quiet, blocks: true}],
  ])('lets it be while %s', async (_, situation) => {
    expect(await watchDump(guardThatSees([situation]), sleep(800), watch())).toMatchObject({state: 'ended'});
  });

  it('gives up at the deadline, unless the lock was there at last', async () => {
    const waiting = [{...quiet, waits: true}];
    expect(await watchDump(guardThatSees(waiting), new Promise(() => undefined), watch({deadline: 0}))).toMatchObject({state: 'blocked'});
    const free = {...guardThatSees(waiting), findObstacle: async () => undefined};
    expect(await watchDump(free, sleep(100), watch({deadline: 0}))).toMatchObject({state: 'ended'});
  });

  it('waits for the end when it cannot look any more', async () => {
    const problem = new Error('the session is gone');
    const blind = {...guardThatSees([]), look: () => Promise.reject(problem)};
    expect(await watchDump(blind, sleep(50), watch())).toMatchObject({state: 'ended', problem});
  });
});

describe('watchRest', () => {
  it('ends what the app waits for', async () => {
    const guard = guardThatSees([{...quiet, blocks: true}]);
    const onEnded = vi.fn<() => void>();
    await watchRest(guard, sleep(900), onEnded);
    expect(guard.ended).toEqual(['count', 'files']);
    expect(onEnded).toHaveBeenCalledTimes(1);
  });

  it('lets it come to its end otherwise', async () => {
    const guard = guardThatSees([quiet]);
    await watchRest(guard, sleep(300), () => undefined);
    expect(guard.ended).toEqual([]);
  });
});

describe('describeObstacle', () => {
  it('names table, process, user, application, state and the first word of the statement', () => {
    expect(describeObstacle(obstacle)).toBe('the table c is locked by process 9 (user app, application worker, active for 3 s, last statement VACUUM)');
  });

  it('does without what the user may not see, and shows no control characters', () => {
    const [holder] = obstacle.holders;
    const hidden = {...holder, pid: 9, user: null, state: null, seconds: null, command: null, waits: false, application: '\u001B[2J'};
    expect(describeObstacle({...obstacle, table: null, holders: [hidden, {...hidden, pid: 10, waits: true}]})).toBe('what pg_dump needs is locked by process 9 (application \\x1b[2J); 1 more process is in line for it');
  });

  it('knows transactions without a process', () => {
    expect(describeObstacle({...obstacle, holders: [], prepared: true})).toBe('the table c is locked by a prepared transaction (see pg_prepared_xacts)');
  });
});
