import {chmodSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {readConfigFile} from '../../../src/config/read-file.ts';
import {problem, temporaryDirectory, thrownBy} from '../support.ts';

function fileWith(content: string | Buffer, mode = 0o600): string {
  const path = join(temporaryDirectory(), 'bootstrap.conf');
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

describe('readConfigFile', () => {
  it('hands back values, lines, path and mode', () => {
    const path = fileWith('# mine\nRESTIC_PASSWORD="x y"\n', 0o640);
    expect(readConfigFile(path, 'tool')).toEqual({path, mode: 0o640, assignments: [{key: 'RESTIC_PASSWORD', line: 2, text: 'x y', template: 'x y', raw: 'x y'}], problems: []});
  });

  it('answers undefined where there is no file', () => {
    expect(readConfigFile('/does/not/exist', 'tool')).toBeUndefined();
    expect(readConfigFile(join(fileWith('A=1'), 'below-a-file'), 'tool')).toBeUndefined();
  });

  it.each([
    ['an empty file', '', /is empty$/, /Restore its content/],
    ['blanks alone', ' \n\t\n', /is empty$/, /Restore its content/],
    ['a NUL byte', 'A=1\0\n', /is not a text file$/, /UTF-8/],
    ['a program', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0x02]), /line 1: not an assignment/, /line 1/],
    ['bytes that are no UTF-8', Buffer.from([0x41, 0x3d, 0xff, 0xfe]), /is not a text file$/, /UTF-8/],
    ['something far too large', 'A=1\n'.repeat(300_000), /larger than a configuration/, /KEY="value"/],
    ['words', 'A=1\nfoo bar\n', /line 2: not an assignment/, /^Correct line 2 of \//],
    ['an unknown key', '\nBACKUP_NONSENSE="1"', /line 2: BACKUP_NONSENSE is no key/, /^Correct line 2 of \//],
    ['a misspelt key', 'RESTIC_PASWORD="1"', /line 1: RESTIC_PASWORD is no key of timetiles: did you mean RESTIC_PASSWORD\?/, /line 1/],
    ['an open quote', 'A=1\nRESTIC_PASSWORD="abc', /line 2: RESTIC_PASSWORD opens a " that is never closed/, /line 2/],
  ])('refuses %s', async (_, content, message, next) => {
    const path = fileWith(content);
    expect(await thrownBy(() => readConfigFile(path, 'tool'))).toMatchObject(problem('configuration', message, next));
    expect(await thrownBy(() => readConfigFile(path, 'tool'))).toMatchObject(problem('configuration', path));
  });

  it('refuses a directory', async () => {
    expect(await thrownBy(() => readConfigFile(temporaryDirectory(), 'tool'))).toMatchObject(problem('configuration', /is not a file$/, /Name a file/));
  });

  it.each([
    ['a password that others can read', 'A=1\nRESTIC_PASSWORD="x"', 0o644, /line 2: RESTIC_PASSWORD is secret, and the file can be read by every user/],
    ['a secret key that others can read', 'AWS_SECRET_ACCESS_KEY="x"', 0o604, /line 1: AWS_SECRET_ACCESS_KEY is secret/],
    ['a file that others can change', 'BACKUP_KEEP_LAST="1"', 0o602, /can be changed by every user/],
  ])('refuses %s', async (_, content, mode, message) => {
    const path = fileWith(content, mode);
    expect(await thrownBy(() => readConfigFile(path, 'tool'))).toMatchObject(problem('configuration', message, `chmod 600 ${path}`));
  });

  it('lets others read what is no secret', () => {
    expect(readConfigFile(fileWith('BACKUP_KEEP_LAST="1"\nRESTIC_PASSWORD=""\n', 0o644), 'tool')?.mode).toBe(0o644);
  });

  it("takes the app's own oddities in its own file, but no mistakes in ours", async () => {
    const odd = 'just words\nAPP_TITLE="unclosed\nPOSTGRES_PASSWORD=a#b\nDB_POOL_SIZE_MAXIMUM=5\n';
    expect(readConfigFile(fileWith(odd), 'app')?.assignments).toContainEqual(expect.objectContaining({key: 'DB_POOL_SIZE_MAXIMUM', text: '5'}));
    expect(await thrownBy(() => readConfigFile(fileWith(`${odd}DB_PASSWORD=#b\n`), 'app'))).toMatchObject(problem('configuration', /line 5: DB_PASSWORD begins with an unquoted #/));
    expect(await thrownBy(() => readConfigFile(fileWith(`${odd}RESTIC_PASSWORD secret\n`), 'app'))).toMatchObject(problem('configuration', /line 5: not an assignment/));
    expect(await thrownBy(() => readConfigFile(fileWith(`${odd}RESTIC_REPOSITRY=/x\n`), 'app'))).toMatchObject(problem('configuration', /line 5: RESTIC_REPOSITRY/));
  });

  it("takes what compose takes in the app's file: an empty one, a comment in another encoding, keys without a value", async () => {
    expect(readConfigFile(fileWith('\n'), 'app')).toMatchObject({assignments: [], problems: []});
    const latin1 = (text: string) => fileWith(Buffer.from(text, 'latin1'));
    expect(readConfigFile(latin1('# für uns\nAPP_TITLE=Zürich\nDEBUG\nDB_NAME=a\n'), 'app')?.assignments).toHaveLength(3);
    expect(await thrownBy(() => readConfigFile(latin1('DB_NAME=Zürich\n'), 'app'))).toMatchObject(problem('configuration', /line 1: DB_NAME is not text in UTF-8/));
  });
});
