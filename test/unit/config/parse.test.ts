import {describe, expect, it} from 'vitest';
import {parseConfigText} from '../../../src/config/parse.ts';

describe('parseConfigText', () => {
  it.each([
    ['double quotes', 'A="x y"', {A: 'x y'}, {A: 1}],
    ['single quotes keep dollars, backslashes and double quotes', String.raw`A='a"b\n$HOME'`, {A: String.raw`a"b\n$HOME`}, {A: 1}],
    ['double quotes turn \\n into a line break', String.raw`A="a\nb"`, {A: 'a\nb'}, {A: 1}],
    ['backticks', 'A=`it\'s "so"`', {A: 'it\'s "so"'}, {A: 1}],
    ['no quotes', 'A = x y ', {A: 'x y'}, {A: 1}],
    ['nothing', 'A=\nB=""', {A: '', B: ''}, {A: 1, B: 2}],
    ['export', 'export A=1', {A: '1'}, {A: 1}],
    ['comments and blank lines', '# A=0\n\n  # more\nA=1 # why\n', {A: '1'}, {A: 4}],
    ['a # within quotes', 'A="x#y" # why', {A: 'x#y'}, {A: 1}],
    ['Windows line ends', 'A=1\r\nB=2\r\n', {A: '1', B: '2'}, {A: 1, B: 2}],
    ['a value of several lines', 'A="x\ny"\nB=2', {A: 'x\ny', B: '2'}, {A: 1, B: 3}],
    ['a backslash before the closing quote', 'A="x\\"\nB="y"', {A: 'x\\', B: 'y'}, {A: 1, B: 2}],
    ['a key twice: the last one counts', 'A=1\nA=2', {A: '2'}, {A: 2}],
    ['an equals sign in the value', 'A=b=c', {A: 'b=c'}, {A: 1}],
    ['quotes inside of quotes', 'A="x"y"', {A: 'x"y'}, {A: 1}],
  ])('reads %s', (_, text, values, lines) => {
    expect(parseConfigText(text)).toEqual({values, lines, problems: []});
  });

  it.each([
    ['words', 'A=1\njust words\n', 2, undefined, 'not an assignment'],
    ['a key without a value', 'RESTIC_PASSWORD', 1, undefined, 'not an assignment'],
    ['a quote that stays open', 'A="x\nB=2', 1, 'A', 'A opens a " that is never closed'],
    ['a quote that stays open above another quoted value', "A='x\nB='y'", 1, 'A', "A opens a ' that is never closed"],
    ['text after the closing quote', 'A="x"y', 1, 'A', 'A goes on after its closing "'],
    ['an unquoted # inside of a value', 'A=pass#word', 1, 'A', 'A has an unquoted #'],
    ['a colon', 'A: x', 1, 'A', 'A is followed by a colon'],
    ['words after a value of several lines', 'A="x\ny"\nwords', 3, undefined, 'not an assignment'],
  ])('reports %s', (_, text, line, key, message) => {
    const {problems} = parseConfigText(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({line, message: expect.stringContaining(message)});
    expect(problems[0]?.key).toBe(key);
  });

  it('says nothing of the value, which may be a password', () => {
    const {problems} = parseConfigText('RESTIC_PASSWORD="s3cret\nRESTIC_PASSWORD s3cret\nRESTIC_PASSWORD=s3cret#s3cret');
    expect(problems).toHaveLength(3);
    expect(JSON.stringify(problems)).not.toContain('s3cret');
  });
});
