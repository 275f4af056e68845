import {expect, it} from 'vitest';
import {execArgs} from '../../../src/docker/exec.ts';

const environment = {PGPASSWORD: 's3cret value', PGUSER: 'some user'};

it('names variables and never gives their values', () => {
  const args = execArgs({container: 'c1', command: ['pg_dump', '--snapshot=1'], environment});
  expect(args).toEqual(['exec', '--env', 'PGPASSWORD', '--env', 'PGUSER', 'c1', 'pg_dump', '--snapshot=1']);
  expect(args.join(' ')).not.toMatch(/s3cret|some user/);
});

it('keeps stdin open only where something is written to it', () => {
  expect(execArgs({container: 'c1', command: ['psql'], environment: {}, stdin: 'pipe'})).toEqual(['exec', '--interactive', 'c1', 'psql']);
  expect(execArgs({container: 'c1', command: ['psql'], environment: {}})).toEqual(['exec', 'c1', 'psql']);
});
