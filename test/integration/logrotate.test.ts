import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {execa} from 'execa';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {timetiles} from '../support/cli.ts';
import {checkout} from '../support/paths.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await stack.writeConfig();
});
afterAll(() => stack?.stop());

test('logrotate takes the log away by the file in bootstrap/, and the next run begins a new one', async () => {
  const directory = join(stack.scratch, 'log');
  const log = join(directory, 'timetiles.log');
  const rules = join(stack.scratch, 'logrotate.conf');
  writeFileSync(rules, readFileSync(join(checkout, 'bootstrap', 'logrotate.conf'), 'utf8').replace('/var/log/timetiles', directory), {mode: 0o644});
  mkdirSync(join(stack.scratch, 'rotated'));
  // The stack's container has stopped: what is said of it goes to the log.
  await stack.docker(['stop', '--time', '1', stack.postgres]);
  await timetiles(['backup', 'db'], {stack});
  const first = readFileSync(log, 'utf8');
  expect(first).toMatch(/error \[\w+\] the container \S+ is exited/);
  await execa('logrotate', ['--force', '--state', join(stack.scratch, 'rotated', 'state'), rules]);
  expect([existsSync(log), readFileSync(`${log}.1`, 'utf8')]).toEqual([false, first]);
  await timetiles(['backup', 'db', '--log-format', 'json'], {stack});
  const events = readFileSync(log, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  expect(events.map(({level, run}) => [level, run])).toEqual([['info', events[0].run], ['error', events[0].run], ['info', events[0].run]]);
});
