import {expect, it} from 'vitest';
import {wrongCounts} from '../../../src/sources/postgres/facts.ts';

it('compares what measures completeness, and leaves alone what does not', () => {
  const expected: [string, string, number][] = [['public', 'a', 3], ['public', 'b', 1], ['public', 'view', 9], ['public', 'gone', 2]];
  const found: [string, string, number | null][] = [['public', 'a', 3], ['public', 'b', 2], ['public', 'view', null], ['public', 'spatial_ref_sys', null], ['public', 'new', 0]];
  expect(wrongCounts(expected, found)).toEqual(['public.b has 2, not 1', 'public.gone has gone missing, not 2', 'public.new is not in the manifest']);
});
