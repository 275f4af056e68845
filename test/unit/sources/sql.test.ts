import {describe, expect, it} from 'vitest';
import {identifier, literal, settingClause} from '../../../src/sources/postgres/sql.ts';

it.each([
  ['plain', '"plain"'],
  ['Mixed Case', '"Mixed Case"'],
  ['with "quotes"', '"with ""quotes"""'],
  [String.raw`Time "tiles" $HOME's \ ü`, String.raw`"Time ""tiles"" $HOME's \ ü"`],
])('identifier %s', (name, quoted) => {
  expect(identifier(name)).toBe(quoted);
});

it.each([
  ['plain', "'plain'"],
  ["it's", "'it''s'"],
  [String.raw`back\slash`, String.raw` E'back\\slash'`],
  [String.raw`\'; drop`, String.raw` E'\\''; drop'`],
  ['$1 $$ "x"', `'$1 $$ "x"'`],
])('literal %s', (text, quoted) => {
  expect(literal(text)).toBe(quoted);
});

describe('settingClause', () => {
  it.each([
    ['work_mem=64MB', `SET "work_mem" TO '64MB'`],
    ['app.greeting=it\'s a=b', `SET "app"."greeting" TO 'it''s a=b'`],
    ['search_path="$user", public', `SET "search_path" TO '$user', 'public'`],
    ['search_path="My ""odd"" schema",public', `SET "search_path" TO 'My "odd" schema', 'public'`],
    ['search_path=', `SET "search_path" TO ''`],
    ['search_path=""', `SET "search_path" TO ''`],
    ['DateStyle=ISO, DMY', `SET "DateStyle" TO 'ISO, DMY'`],
    ['TimeZone=Europe/Berlin', `SET "TimeZone" TO 'Europe/Berlin'`],
  ])('%s', (entry, clause) => {
    expect(settingClause(entry)).toBe(clause);
  });
});
