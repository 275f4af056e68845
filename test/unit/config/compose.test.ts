import {expect, test} from 'vitest';
import {expanded, notSet, refused} from './compose-table.ts';
import {readText} from './support.ts';

test.each(expanded)('reads %j as compose does', (text, values, environment = {}) => {
  const read = readText(text, 'app', environment);
  expect(read).toMatchObject({problems: [], unexpanded: {}});
  // Compose shows what is in the environment too; of the names that it cannot ask for, nothing.
  const asked = Object.entries({...read.values, ...environment}).filter(([key]) => /^(A|B|C|a|export|exportA)$/.test(key));
  expect(Object.fromEntries(asked)).toEqual(values);
});

test.each(notSet)('takes no empty text for a variable that is not set: %j', (text) => {
  expect(Object.values(readText(text, 'app').unexpanded)).toContainEqual(expect.objectContaining({reason: 'is not set'}));
});

test.each(refused)('refuses what compose refuses: %j', (text) => {
  const {problems, unexpanded} = readText(text, 'app');
  expect(problems.length + Object.keys(unexpanded).length).toBeGreaterThan(0);
});

test.each([
  ['a comment where a value would stand', 'A= # none yet', {A: ''}],
  ['a default that nobody needs, with a variable that is not set', 'A=1\nB=${A:-${C?no}}', {A: '1', B: '1'}],
  ['a line break of Windows within quotes', 'A="x\r\ny"', {A: 'x\ny'}],
  ['the line breaks of an old Mac', 'A=1\rB=2', {A: '1', B: '2'}],
])('is more lenient than compose with %s', (_, text, values) => {
  expect(readText(text, 'app')).toMatchObject({values, problems: [], unexpanded: {}});
});
