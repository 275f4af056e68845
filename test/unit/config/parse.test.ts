import {describe, expect, it} from 'vitest';
import {parseConfigText} from '../../../src/config/parse.ts';
import {quoteValue} from '../../../src/config/quote.ts';
import {readText} from './support.ts';

describe('parseConfigText', () => {
  it.each([
    ['double quotes', 'A="x y"', {A: 'x y'}, {A: 1}],
    ['single quotes keep dollars, backslashes and double quotes', String.raw`A='a"b\n$HOME'`, {A: String.raw`a"b\n$HOME`}, {A: 1}],
    ['backticks', 'A=`it\'s "so" for $5 \\`', {A: 'it\'s "so" for $5 \\'}, {A: 1}],
    ['comments and blank lines', '# A=0\n\n  # more\nA=1 # why\n', {A: '1'}, {A: 4}],
    ['Windows line ends', 'A=1\r\nB=2\r\n', {A: '1', B: '2'}, {A: 1, B: 2}],
    ['a value of several lines', 'A="x\ny"\nB=2', {A: 'x\ny', B: '2'}, {A: 1, B: 3}],
    ['a key twice: the last one counts', 'A=1\nA=2', {A: '2'}, {A: 2}],
    ['a base64 value', 'A=q/5+w==\nB="q/5+w=="', {A: 'q/5+w==', B: 'q/5+w=='}, {A: 1, B: 2}],
  ])('reads %s', (_, text, values, lines) => {
    expect(readText(text)).toEqual({values, lines, problems: [], unexpanded: {}});
  });

  it.each([
    ['words', 'A=1\njust words\n', 2, undefined, 'not an assignment'],
    ['a key without a value', 'RESTIC_PASSWORD', 1, undefined, 'not an assignment'],
    ['a quote that stays open', 'A="x\nB=2', 1, 'A', 'A opens a " that is never closed'],
    ['a quote that stays open above another quoted value', "A='x\nB='y'", 1, 'A', "A opens a ' that is never closed"],
    ['text after the closing quote', 'A="x"y', 1, 'A', 'A goes on after its closing "'],
    ['quotes inside of quotes', 'A="x"y"', 1, 'A', 'A goes on after its closing "'],
    ['a value that begins with a #', 'A=#word', 1, 'A', 'A begins with an unquoted #'],
    ['an unquoted # inside of a value', 'A=pass#word', 1, 'A', 'A has an unquoted #'],
    ['a colon', 'A: x', 1, 'A', 'A is followed by a colon'],
    ['words after a value of several lines', 'A="x\ny"\nwords', 3, undefined, 'not an assignment'],
  ])('reports %s', (_, text, line, key, message) => {
    const {problems} = parseConfigText(text, 'tool');
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({line, message: expect.stringContaining(message)});
    expect(problems[0]?.key).toBe(key);
  });

  it('goes on reading after a quote that stays open', () => {
    expect(readText('A="x\nB="y"\nC=3')).toMatchObject({values: {B: 'y', C: '3'}, problems: [{line: 1}]});
  });

  it('says nothing of the value, which may be a password', () => {
    const {problems} = parseConfigText('RESTIC_PASSWORD="s3cret\nRESTIC_PASSWORD s3cret\nRESTIC_PASSWORD=#s3cret', 'tool');
    expect(problems).toHaveLength(3);
    expect(JSON.stringify(problems)).not.toContain('s3cret');
  });
});

describe('a value that refers to others', () => {
  it('finds them in the other file too, whichever is read first', () => {
    expect(readText('A=x@${DOMAIN}', 'tool', {DOMAIN: 'example.org'}).values).toEqual({A: 'x@example.org'});
  });

  it.each([
    ['is not set at all', 'A=x@${D}', {variable: 'D', reason: 'is not set'}],
    ['is set further down', 'A=x@${D}\nD=1', {variable: 'D', laterLine: 2}],
    ['refers to one that is not set', 'S=x@${D}\nA="<$S>"', {variable: 'D', reason: 'is not set'}],
    ['is demanded with a message', 'A=${D:?say who}', {variable: 'D', reason: 'is not set (say who)'}],
  ])('names the variable that %s', (_, text, problem) => {
    expect(readText(text).unexpanded['A']).toMatchObject(problem);
  });
});

it.each(['plain', `Time "tiles" $HOME's \\ ü`, 'a "quoted" name', "it's", 'back\\slash', '`$x\' "\\', 'ends\\', "'\\"])('quotes %s so that it is read back', (value) => {
  expect(readText(`A=${quoteValue(value)}`)).toMatchObject({values: {A: value}, problems: []});
});
