import {describe, expect, it} from 'vitest';
import {withCarriageReturns} from '../../../src/schedule/crontab.ts';
import {findBlock, putBlock, removeBlock} from '../../../src/schedule/crontab-block.ts';

const home = '/opt/timetiles';
const lines = ['# a word', '0 2 * * * (one 10\\%)', '17 * * * * two'];

const crontabs: [string, string | undefined][] = [
  ['none', undefined],
  ['an empty one', ''],
  ['one line', '0 1 * * * true\n'],
  ['CRLF', '# a\r\nMAILTO=root\r\n0 1 * * * true\r\n'],
  ['no final newline', '0 1 * * * true'],
  ['no final newline after CRLF lines', '# a\r\n0 1 * * * true'],
  ['comments, environment lines and empty lines', '\n\n# a comment\nPATH=/bin\nSHELL = /bin/bash\n\n0 1 * * * true\n\n'],
  ['bytes that are no UTF-8', '# \u00FF\u0000\u0080\n'],
  ['another installation', putBlock('# x\n', '/opt/other', ['0 3 * * * other'])],
  ['an installation whose name begins alike', putBlock(undefined, '/opt/timetiles2', ['0 3 * * * other'])],
  ['what looks like a block', '# timetiles begin\n## timetiles end /opt/timetiles\n # timetiles end /opt/timetiles\n'],
];

describe.each(crontabs)('in a crontab with %s', (_, before) => {
  it('a block comes and goes, and every other byte stays', () => {
    const text = putBlock(before, home, lines);
    expect(text.startsWith(before ?? '')).toBe(true);
    expect(findBlock(text, home)).toMatchObject({state: 'intact', lines});
    expect(putBlock(text, home, lines)).toBe(text);
    expect(removeBlock(text, home)).toBe(before);
  });

  it('another block takes the place of the one that is there, and goes as well', () => {
    const text = putBlock(putBlock(before, home, lines), home, ['0 4 * * * three']);
    expect(text).not.toContain('(one');
    expect(removeBlock(text, home)).toBe(before);
  });
});

describe('withCarriageReturns', () => {
  it.each([
    ['# a\\r\n0 1 * * * true\\r\n', '# a\r\n0 1 * * * true\r\n'],
    ['0 1 * * * printf "a\\r\\n"\n', '0 1 * * * printf "a\\r\\n"\n'],
  ])('undoes what Debian’s crontab -l makes of CRLF: %j', (listed, text) => {
    expect(withCarriageReturns(listed)).toBe(text);
  });
});

describe('putBlock', () => {
  it('leaves what others wrote around it where it is', () => {
    const text = `${putBlock('first', home, lines)}last\n`;
    expect(putBlock(text, home, ['x'])).toMatch(/^first\n# timetiles begin .*\nx\n# timetiles end .*\nlast\n$/);
    expect(removeBlock(text, home)).toBe('first\nlast\n');
  });

  it('keeps the blocks of two installations apart, whichever goes first', () => {
    const both = putBlock(putBlock(undefined, home, ['a']), '/srv/with space ü/$(x).*', ['b']);
    expect(findBlock(both, home)).toMatchObject({state: 'intact', lines: ['a']});
    expect(findBlock(both, '/srv/with space ü/$(x).*')).toMatchObject({state: 'intact', lines: ['b']});
    expect(removeBlock(removeBlock(both, home), '/srv/with space ü/$(x).*')).toBeUndefined();
    expect(removeBlock(removeBlock(both, '/srv/with space ü/$(x).*'), home)).toBeUndefined();
  });

  it('writes paths as UTF-8, one character a byte', () => {
    expect(putBlock(undefined, '/opt/ü', ['/opt/ü'])).toContain('/opt/\u00C3\u00BC\n');
  });
});

describe('findBlock', () => {
  const text = putBlock('# x\n', home, lines);

  it.each([
    ['a line was changed', text.replace('17 *', '18 *')],
    ['a line was added', text.replace('# timetiles end', '0 5 * * * more\n# timetiles end')],
    ['a line was taken away', text.replace('17 * * * * two\n', '')],
    ['the digest was changed', text.replace(/begin \w{4}/, 'begin 0000')],
    ['an editor wrote CRLF', text.replaceAll('\n', '\r\n')],
    ['the last newline was lost', text.trimEnd().replace('two', 'three')],
  ])('sees that %s', (_, edited) => {
    expect(findBlock(edited, home).state).toBe('edited');
    expect(findBlock(putBlock(edited, home, lines), home)).toMatchObject({state: 'intact', lines});
    expect(removeBlock(edited, home)).toMatch(/^# x\r?\n$/);
  });

  it.each([
    ['its end is missing', text.replace(/# timetiles end.*\n/, '')],
    ['its beginning is missing', text.replace(/# timetiles begin.*\n/, '')],
    ['it is there twice', text + text],
    ['its end comes first', `# timetiles end ${home}\n${text.replace(/# timetiles end.*\n/, '')}`],
  ])('touches nothing when %s', (_, broken) => {
    expect(findBlock(broken, home)).toEqual({state: 'broken'});
    expect(removeBlock(broken, home)).toBe(broken);
  });

  it('does not take a block of another installation for its own', () => {
    expect(findBlock(text, '/opt/timetile.')).toEqual({state: 'none'});
    expect(findBlock(text, '/opt/timetiles/')).toEqual({state: 'none'});
  });
});
