import {readFileSync} from 'node:fs';
import {describe, expect, it} from 'vitest';
import {keyDefinitions} from '../../../src/config/keys.ts';
import {parseExampleFile} from '../../../src/man/example-file.ts';
import {flagWithValue, groupsOf, splitExitCodes, usagesOf, type Command} from '../../../src/man/manifest.ts';

describe('the example file', () => {
  it('gives introduction, groups, texts, defaults and examples', () => {
    const text = '# about\n# it\n#\n# How:\n#   A=1  one\n#   B=2  two\n# done\n\n\n# --- First things (x) -----\n\n# Both.\n# Example: A="2"\n#A="1"\n# Example: B=\'3\'\n#B=""\n\n# Another.\n#C="d"\n\n\n# --- Rest ---\n\n# Words\n# alone.\n';
    expect(parseExampleFile(text)).toEqual({
      introduction: ['about it', 'How:', ['A=1  one', 'B=2  two'], 'done'],
      groups: [
        {title: 'First things (x)', entries: [
          {text: 'Both.', keys: [{key: 'A', usual: '"1"', example: 'A="2"'}, {key: 'B', usual: '""', example: "B='3'"}]},
          {text: 'Another.', keys: [{key: 'C', usual: '"d"', example: undefined}]},
        ]},
        {title: 'Rest', entries: [{text: 'Words alone.', keys: []}]},
      ],
    });
  });

  it('of this tool tells of every key once, and says something about each', () => {
    const {groups} = parseExampleFile(readFileSync(new URL('../../../bootstrap.conf.example', import.meta.url), 'utf8'));
    const entries = groups.flatMap((group) => group.entries);
    expect(entries.flatMap(({keys}) => keys.map(({key}) => key)).toSorted()).toEqual(keyDefinitions.map(({key}) => key).toSorted());
    expect(entries.filter(({text}) => text === '')).toEqual([]);
  });
});

const command = (id: string, more: Partial<Command> = {}): Command => ({id, summary: `${id} it.`, args: {}, flags: {}, ...more});

describe('the manifest', () => {
  it('makes a group of a topic with all below it, and of every other command', () => {
    const commands = {'a:b': command('a:b'), 'a:hidden': command('a:hidden', {hidden: true}), 'z:y': command('z:y'), a: command('a')};
    expect(groupsOf({version: '', description: '', topics: {z: {description: 'about z'}}, commands}).map(({name, summary, commands: members}) => [name, summary, members.map(({id}) => id)])).toEqual([
      ['a', 'a it', ['a', 'a:b']],
      ['z', 'about z', ['z:y']],
    ]);
  });

  it('gives usages of arguments and flags where a command has none of its own', () => {
    const flags = {yes: {name: 'yes', type: 'boolean'}, only: {name: 'only', type: 'option', options: ['db', 'uploads']}, json: {name: 'json', type: 'boolean', helpGroup: 'GLOBAL'}, inner: {name: 'inner', type: 'boolean', hidden: true}} as const;
    expect(usagesOf(command('a:b', {flags, args: {file: {name: 'file', required: true}, more: {name: 'more', multiple: true}}}))).toEqual(['timetiles a b FILE [MORE...] [--only=db|uploads] [--yes]']);
    expect(usagesOf(command('a', {usage: ['a one', 'a two']}))).toEqual(['timetiles a one', 'timetiles a two']);
  });

  it('gives flags as help shows them', () => {
    expect(flagWithValue({name: 'safety-backup', type: 'boolean', allowNo: true})).toBe('--[no-]safety-backup');
    expect(flagWithValue({name: 'ignore', type: 'boolean', char: 'i'})).toBe('-i, --ignore');
    expect(flagWithValue({name: 'wait', type: 'option', helpValue: 'DURATION'})).toBe('--wait=DURATION');
    expect(flagWithValue({name: 'wait', type: 'option'})).toBe('--wait=VALUE');
  });

  it('ends descriptions with exit codes', () => {
    expect(splitExitCodes('Text.\n\nMore.\n\nExit codes: 0 a, or b, 1 c, 130 d.')).toEqual({text: 'Text.\n\nMore.', exitCodes: [['0', 'a, or b'], ['1', 'c'], ['130', 'd']]});
    expect(splitExitCodes('Exit codes: 0 fine.')).toEqual({text: '', exitCodes: [['0', 'fine']]});
    expect(splitExitCodes('None.')).toEqual({text: 'None.', exitCodes: []});
  });
});
