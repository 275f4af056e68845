import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import type {ImageName} from '../support/images.ts';
import {leftovers} from '../support/leftovers.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, changeStack, errorOf, fillStack, stateOf} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

describe('the version gate', () => {
  let origin: Stack;
  let set: string;

  beforeAll(async () => {
    origin = await startStack(useBench());
    await makeCheapRepository(origin);
    await origin.writeConfig();
    await fillStack(origin, {rows: 100});
    await origin.psql('create extension postgis; create extension pg_trgm');
    ({set} = await backUp(origin, 'newest'));
  });

  afterAll(() => origin?.stop());

  /** Restores the origin's set into a server that cannot take it; nothing there may be touched. */
  async function refusedBy(image: ImageName): Promise<{message: string; next: string}> {
    const target = await startStack(useBench(), {postgresImage: image});
    try {
      await target.writeConfig({RESTIC_REPOSITORY: origin.repository});
      await fillStack(target, {rows: 10});
      await changeStack(target, 'live');
      const before = await stateOf(target);
      const facts = async () => (await target.docker(['inspect', '--format', '{{.State.StartedAt}}', ...target.web, target.postgres])).stdout;
      const begun = await facts();
      const sets = async () => (await timetiles(['backup', 'list', '--json'], {stack: target})).stdout;
      const listed = await sets();
      for (const flags of [['--yes'], ['--dry-run']]) {
        const result = await timetiles(['restore', set, '--json', ...flags], {stack: target});
        expectExit(result, 1);
        expect(errorOf(result).kind).toBe('restore');
        expect(result.stderr).not.toMatch(/saving|restoring|stopping/);
      }
      const result = await timetiles(['restore', set, '--json', '--yes'], {stack: target});
      expect(await stateOf(target)).toEqual(before);
      expect(await facts()).toBe(begun);
      expect(await sets()).toBe(listed);
      expect(await leftovers(target)).toEqual([]);
      return errorOf(result);
    } finally {
      await target.stop();
    }
  }

  it('names both versions when the server is older', async () => {
    const {message, next} = await refusedBy('postgres15');
    expect(message).toMatch(/the set is from PostgreSQL 17\.\d+, but \S+-postgres-1 runs the older 15\.\d+/);
    expect(next).toMatch(/PostgreSQL 17 or newer .*timetiles-bench\/postgres:17.*timetiles-bench\/postgres:15/);
  });

  it('names the extension that the image does not have, and no other', async () => {
    const {message, next} = await refusedBy('postgresPlain');
    expect(message).toMatch(/the set needs an extension that the image of \S+-postgres-1 does not have: postgis 3\.\d/);
    expect(message).not.toContain('pg_trgm');
    expect(next).toMatch(/timetiles-bench\/postgres:17.*timetiles-bench\/postgres-plain:17/);
  });
});
