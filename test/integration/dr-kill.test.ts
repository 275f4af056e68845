import {existsSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {startBareMachine, type BareMachine} from '../support/bare-machine.ts';
import {expectExit, timetiles} from '../support/cli.ts';
import {hasJournal, hasStagedFiles, signalAt, type Moment} from '../support/kill-restore.ts';
import {leftovers} from '../support/leftovers.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, fillStack, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

describe('a recovery that is killed with -9', () => {
  let origin: Stack;
  let bare: BareMachine;
  let source: State;

  beforeAll(async () => {
    origin = await startStack(useBench(), {heartbeat: false});
    await origin.writeConfig();
    await makeCheapRepository(origin);
    await fillStack(origin, {rows: 2000, files: 100});
    await backUp(origin, 'newest');
    source = await stateOf(origin);
    bare = await startBareMachine(origin);
    await bare.loadImages();
  });

  afterAll(async () => {
    await bare?.stop();
    await origin?.stop();
  });

  const env = {RESTIC_PASSWORD: 'a bench password'};
  const again = () => ['dr', origin.repository, '--yes', '--json'];
  const dr = () => timetiles(again(), {stack: bare.stack, env});
  const kill = async (moment: Moment) => {
    const {running} = await signalAt(again(), moment, 'SIGKILL', {stack: bare.stack, env});
    await running.exited;
  };
  /** A file in the volume with the server's data. */
  const inData = (name: string) => existsSync(join(dirname(dirname(bare.stack.uploadsPath)), `${origin.project}_postgres`, '_data', name));

  const expectWhole = async () => {
    expect(await stateOf(bare.stack)).toEqual(source);
    expect(await leftovers(bare.stack)).toEqual([]);
  };

  it.each<[string, Moment]>([
    ['a volume is there', {after: 'makes the volume', until: () => inData(''), milliseconds: 0}],
    ['the container is being made', {after: 'makes the container', milliseconds: 0}],
    ['the server is making its cluster', {after: 'waiting for the new server', until: () => inData('PG_VERSION'), milliseconds: 0}],
    ['the server starts', {after: 'waiting for the new server', until: () => inData('postmaster.pid'), milliseconds: 0}],
  ])('when %s: the next run uses what there is', async (_, moment) => {
    await bare.wipe();
    await kill(moment);
    expect(hasJournal(bare.stack)).toBe(false);
    expectExit(await dr(), 0);
    await expectWhole();
    expect(await bare.inventory()).toHaveLength(4);
  });

  /** The server stays, its database and the files go. */
  const empty = async () => {
    const script = 'PGUSER="$POSTGRES_USER" PGPASSWORD="$POSTGRES_PASSWORD" psql -X -q -d template1 -c "drop database if exists $POSTGRES_DB with (force)"';
    await bare.stack.docker(['exec', bare.stack.postgres, 'bash', '-c', script]);
    await bare.stack.docker(['volume', 'rm', `${origin.project}_uploads`]);
  };

  it.each<[Moment, boolean]>([
    [{after: 'restoring db', milliseconds: 0}, false],
    [{after: 'restoring db', milliseconds: 400}, true],
    [{after: 'restoring uploads', until: () => hasStagedFiles(bare.stack), milliseconds: 0}, false],
    [{after: 'putting the restored data in place', milliseconds: 0}, true],
    [{after: 'putting the restored data in place', milliseconds: 60}, false],
    [{after: 'checking the restored db', milliseconds: 0}, false],
    [{after: 'checking the restored uploads', milliseconds: 0}, true],
  ])('at %o, with another command first: %s', async (moment, other) => {
    await empty();
    await kill(moment);
    const journal = hasJournal(bare.stack);
    if (other) {
      const next = await timetiles(['backup', 'list'], {stack: bare.stack, env: {...env, RESTIC_REPOSITORY: origin.repository}});
      expectExit(next, 0);
      const told = /(finished|undid) an interrupted restore/.exec(next.stderr)?.[1];
      expect(told !== undefined).toBe(journal);
      expect(hasJournal(bare.stack)).toBe(false);
      if (told === 'finished') return expectWhole();
    }
    const result = await dr();
    expectExit(result, 0);
    expect(result.json()).toMatchObject({state: 'done', restored: ['db', 'uploads']});
    await expectWhole();
  });

  it('is left alone by other commands while it lives', async () => {
    await empty();
    const {running} = await signalAt(again(), {after: 'restoring db', until: () => hasJournal(bare.stack), milliseconds: 0}, 'SIGSTOP', {stack: bare.stack, env});
    try {
      const elsewhere = join(bare.stack.scratch, 'elsewhere');
      const result = await timetiles(['backup', '--json'], {stack: bare.stack, env: {...env, RESTIC_REPOSITORY: elsewhere}});
      expect(result.exitCode).toBe(4);
      expect((await dr()).exitCode).toBe(4);
      await rm(elsewhere, {recursive: true, force: true});
    } finally {
      running.kill('SIGCONT');
    }
    expectExit(await running.result, 0);
    await expectWhole();
  });
});
