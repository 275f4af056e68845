import {readFileSync} from 'node:fs';
import {expect, it} from 'vitest';
import {keyDefinitions, keyGroups} from '../../../src/config/keys.ts';
import {settingsSchema} from '../../../src/config/settings.ts';
import {readText} from './support.ts';

const text = readFileSync(new URL('../../../bootstrap.conf.example', import.meta.url), 'utf8');
const rows = text.split('\n');
const assigned = (pattern: RegExp) => rows.flatMap((row) => pattern.exec(row)?.[1] ?? []);
const given = (lines: readonly string[]) => Object.fromEntries(Object.entries(readText(lines.join('\n')).values).filter(([, value]) => value !== ''));
const defaults = assigned(/^#([A-Z_]+=.*)$/);
const examples = assigned(/^# Example: ([A-Z_]+=.*)$/);
const keysOf = (lines: readonly string[]) => lines.map((line) => line.slice(0, line.indexOf('='))).toSorted();
const keys = keyDefinitions.map(({key}) => key).toSorted();

it('has every key once, commented out', () => {
  expect(keysOf(defaults)).toEqual(keys);
  expect(readText(text)).toEqual({values: {}, lines: {}, problems: [], unexpanded: {}});
});

it('shows the defaults of the schema', () => {
  expect(settingsSchema.parse(given(defaults))).toEqual(settingsSchema.parse({}));
  // A key is only shown empty when it has no default.
  const withDefault = Object.keys(settingsSchema.parse({}));
  expect(Object.keys(given(defaults)).toSorted()).toEqual(withDefault.toSorted());
});

it('has an example for every key that is a valid value and not the default', () => {
  expect(keysOf(examples)).toEqual(keys);
  expect(readText(examples.join('\n'))).toMatchObject({problems: [], unexpanded: {}});
  const values = settingsSchema.parse(given(examples));
  const usual = settingsSchema.parse({});
  expect(keyDefinitions.filter(({key}) => values[key] === usual[key])).toEqual([]);
});

it('has the groups and the order of the table of keys', () => {
  const title = /^# --- (.*?)(?: \(.*\))? -+$/;
  const shown: {title: string; keys: string[]}[] = [];
  for (const row of rows) {
    const [, heading] = title.exec(row) ?? [];
    if (heading !== undefined) shown.push({title: heading, keys: []});
    const [, key] = /^#([A-Z_]+)=/.exec(row) ?? [];
    if (key !== undefined) shown.at(-1)?.keys.push(key);
  }
  expect(shown).toEqual([...keyGroups.map((group) => ({title: group.title, keys: group.keys.map(({key}) => key)})), {title: "restic's own variables", keys: []}]);
});

it('tells the meaning of every key, and the default where the value shown is empty', () => {
  const blocks = text.split(/\n{2,}/).filter((block) => /^#[A-Z_]+=/m.test(block));
  const lacking = blocks.filter((block) => {
    const prose = block.split('\n').filter((row) => row.startsWith('# ') && !row.startsWith('# Example: ')).join(' ');
    const isEmpty = /^#[A-Z_]+=""$/m.test(block);
    return !/^# [A-Z0-9].{20,}/.test(prose) || (isEmpty && !/[Dd]efault/.test(prose));
  });
  expect(lacking).toEqual([]);
  expect(blocks.flatMap((block) => block.match(/^#[A-Z_]+=/gm) ?? [])).toHaveLength(keys.length);
});

it('shows how difficult values are quoted', () => {
  expect(given(examples)).toMatchObject({
    RESTIC_PASSWORD: 'correct horse "battery" $taple',
    DB_PASSWORD: String.raw`pa$$word with "quotes" and a back\slash`,
    EMAIL_SMTP_PASS: String.raw`se"cret\$`,
  });
});
