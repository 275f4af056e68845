import {cp} from 'node:fs/promises';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {contentOf, firstRelease, firstReleaseContent} from '../support/first-release.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {backUp, restore} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

describe('sets of an earlier release', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack(useBench(), {dbName: firstRelease.dbName, dbUser: firstRelease.dbUser, heartbeat: false});
    await stack.writeConfig({RESTIC_PASSWORD: firstRelease.password});
    await cp(firstRelease.repository, stack.repository, {recursive: true});
  });

  afterAll(() => stack?.stop());

  it.each(['newest', 'oldest'] as const)('0.1.0 are restored as they were, and the repository goes on, with the %s restic', async (restic) => {
    await stack.psql('drop table if exists users, events, places, media cascade');
    expect(await restore(stack, restic, ['20261121T143857Z', '--no-safety-backup'])).toMatchObject({restored: ['db', 'uploads']});
    expect(await contentOf(stack)).toEqual(await firstReleaseContent());
    await backUp(stack, restic);
  });
});
