import {expect, it} from 'vitest';
import {completeReadData, parseReadData} from '../../../src/cli/read-data-flag.ts';
import {problem, thrownBy} from '../support.ts';

it('a bare flag means all data', () => {
  expect(completeReadData(['--json', '--read-data', '--quiet'])).toEqual(['--json', '--read-data=100%', '--quiet']);
  expect(completeReadData(['--read-data=5%'])).toEqual(['--read-data=5%']);
});

it.each([[undefined, 0], ['100%', 100], ['5%', 5], ['1%', 1], ['2.5%', 2.5]])('%s is %d', (text, percent) => {
  expect(parseReadData(text)).toBe(percent);
});

it.each(['', '5', '0%', '0.5%', '101%', '100.1%', '-5%', '5 %', 'all', '1/10', '1e1%'])('%j is refused', async (text) => {
  expect(await thrownBy(() => parseReadData(text))).toMatchObject({...problem('usage', `--read-data=${text} is not a percentage from 1% to 100%`), exitCode: 2});
});
