import {execFileSync} from 'node:child_process';
import {describe, expect, it} from 'vitest';
import {moveCommand, shellCommand} from '../../../src/sources/postgres/session.ts';

describe('moving to another database', () => {
  it.each<[string, string | undefined]>([
    ['app', String.raw`\connect -reuse-previous=on "dbname='app'"`],
    ['host=elsewhere', String.raw`\connect -reuse-previous=on "dbname='host=elsewhere'"`],
    [`Time "tiles" $HOME's \\ ü`, String.raw`\connect -reuse-previous=on "dbname='Time ""tiles"" $HOME\'s \\ ü'"`],
    ['two\nlines', undefined],
  ])('%j', (database, command) => expect(moveCommand(database)).toBe(command));
});

describe('a script for the shell of the container', () => {
  it('gets its words as they are, and no input', () => {
    const words = ['/plain', `/it's "a" $HOME \\ path`, ''];
    const command = shellCommand('for word; do printf "<%s>" "$word"; done; cat', words) ?? '';
    expect(command).toMatch(/^\\! /);
    expect(execFileSync('sh', ['-c', command.slice(3)], {input: 'a script', encoding: 'utf8'})).toBe(words.map((word) => `<${word}>`).join(''));
  });

  it('is not run where a line break would end it', () => expect(shellCommand('echo "$1"', ['/a\n\\! touch /b'])).toBeUndefined());
});
