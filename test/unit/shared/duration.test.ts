import {expect, it} from 'vitest';
import {durationText, parseDuration} from '../../../src/shared/duration.ts';

it.each([['90', 90], ['90s', 90], ['15m', 900], ['2h', 7200], ['0', 0]])('reads %s', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

it.each(['', '-1', '1.5h', '2 h', '2d', 'h', '2H', '9999999999'])('does not read "%s"', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

it.each([[7200, '2h'], [5400, '90m'], [61, '61s'], [0, '0s']])('writes %i seconds as %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
  expect(parseDuration(text)).toBe(seconds);
});
