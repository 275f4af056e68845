import {chmodSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {renderChecks} from '../../../src/cli/render/config.ts';
import {checkConfiguration} from '../../../src/config/check-file.ts';
import {problem, temporaryDirectory, thrownBy} from '../support.ts';

function fileWith(text: string, {name = 'new.conf', mode = 0o600} = {}): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** The result for one file, as a program and as a person sees it. */
function check(path: string) {
  const rendered = renderChecks(checkConfiguration({file: path, environment: {BACKUP_KEEP_LAST: 'ignored'}}));
  return {...rendered, text: rendered.text.replaceAll(path, 'FILE')};
}

describe('checkConfiguration', () => {
  it('says in one line that nothing is wrong', () => {
    expect(check(fileWith('RESTIC_PASSWORD="x"\nDB_NAME="a"\nDB_USER=""\n'))).toMatchObject({exitCode: 0, text: 'FILE: nothing is wrong, 2 values', json: {state: 'ok', hasPassword: true}});
  });

  it.each([
    ['RESTIC_PASSWORD=""\n', '0 values'],
    ['DB_NAME="a"\n', '1 value'],
  ])('takes %j, and tells that the password is not there yet', (text, values) => {
    expect(check(fileWith(text))).toMatchObject({exitCode: 0, text: `FILE: nothing is wrong, ${values}; RESTIC_PASSWORD is not set; bootstrap generates one`, json: {state: 'ok', hasPassword: false}});
  });

  it('takes a file with a password for such, wherever the password is', () => {
    expect(check(fileWith('RESTIC_PASSWORD_FILE="/root/pw"\n'))).toMatchObject({json: {hasPassword: true}});
  });

  it('names everything that is wrong at once, in the order of the lines', () => {
    const path = fileWith('RESTIC_PASWORD="x"\nDear operator,\nBACKUP_KEEP_LAST="many"\nDB_PASSWORD=a#b\nRESTIC_REPOSITORY="repo"\n', {mode: 0o644});
    const {text, exitCode, json} = check(path);
    expect(exitCode).toBe(2);
    expect(text.split('\n')).toEqual([
      'FILE:1: RESTIC_PASWORD is no key of timetiles: did you mean RESTIC_PASSWORD?',
      '    Correct line 1 of FILE.',
      'FILE:2: not an assignment; write KEY="value", or # before a comment',
      '    Correct line 2 of FILE.',
      'FILE:3: BACKUP_KEEP_LAST must be a whole number of sets, such as 3',
      '    Correct BACKUP_KEEP_LAST in FILE.',
      'FILE:4: DB_PASSWORD has an unquoted #, which would begin a comment elsewhere; quote the value',
      '    Correct line 4 of FILE.',
      'FILE:4: DB_PASSWORD is secret, and the file can be read by every user of this host',
      '    chmod 600 FILE',
      'FILE:5: RESTIC_REPOSITORY must be an absolute path, beginning with /',
      '    Correct RESTIC_REPOSITORY in FILE.',
      'RESTIC_PASSWORD is not set; bootstrap generates one.',
    ]);
    expect(json).toMatchObject({state: 'fail', files: [{path, problems: [{line: 1, key: 'RESTIC_PASWORD'}, {line: 2}, {line: 3, key: 'BACKUP_KEEP_LAST'}, {line: 4}, {line: 4}, {line: 5}]}]});
  });

  it('names a file that everybody can change, without a line', () => {
    expect(check(fileWith('RESTIC_PASSWORD="x"\n', {mode: 0o606}))).toMatchObject({exitCode: 2, text: 'FILE: can be changed by every user of this host\n    chmod 600 FILE'});
  });

  it("judges .env.production as the app's own", () => {
    const text = 'just words\nRESTIC_PASSWORD="x"\nDB_POOL_SIZE=5\n';
    expect(check(fileWith(text, {name: '.env.production'}))).toMatchObject({exitCode: 0});
    expect(check(fileWith(text))).toMatchObject({exitCode: 2, json: {files: [{problems: [{line: 1}, {line: 3, key: 'DB_POOL_SIZE'}]}]}});
    expect(check(fileWith('BACKUP_KEEP_LAST="x"\n', {name: '.env.production'}))).toMatchObject({exitCode: 2});
  });

  it('checks the files of the installation when none is named', async () => {
    const home = temporaryDirectory();
    const environment = {TIMETILES_HOME: home};
    expect(await thrownBy(() => checkConfiguration({environment}))).toMatchObject(problem('configuration', `neither ${home}/bootstrap.conf nor ${home}/.env.production exists`));
    writeFileSync(join(home, 'bootstrap.conf'), 'DB_NAME="a"\n', {mode: 0o600});
    writeFileSync(join(home, '.env.production'), 'RESTIC_PASSWORD="x"\n', {mode: 0o600});
    const rendered = renderChecks(checkConfiguration({environment}));
    expect(rendered.text.split('\n')).toEqual([`${home}/bootstrap.conf: nothing is wrong, 1 value`, `${home}/.env.production: nothing is wrong, 1 value`]);
    expect(rendered.json).toMatchObject({state: 'ok', hasPassword: true});
  });

  it.each([
    ['does not exist', () => '/no/such/file', /^\/no\/such\/file does not exist$/],
    ['is empty', () => fileWith(' \n'), /is empty$/],
    ['is no text', () => fileWith('\0'), /is not a text file$/],
    ['is a directory', () => temporaryDirectory(), /is not a file$/],
  ])('refuses a file that %s', async (_, make, message) => {
    const path = make();
    expect(await thrownBy(() => checkConfiguration({file: path, environment: {}}))).toMatchObject(problem('configuration', message));
  });

  it('names what cannot be expanded, with what the other file and the environment know', () => {
    const home = temporaryDirectory();
    writeFileSync(join(home, 'bootstrap.conf'), 'RESTIC_PASSWORD="a$b"\nALERT_EMAIL="me@$DOMAIN_NAME"\nEMAIL_FROM="$NOBODY@$MAIL_HOST"\n', {mode: 0o600});
    writeFileSync(join(home, '.env.production'), 'DB_NAME=${LATER}\nLATER=1\nDOMAIN_NAME=example.org\n', {mode: 0o600});
    const {text} = renderChecks(checkConfiguration({environment: {TIMETILES_HOME: home, MAIL_HOST: 'x'}}));
    expect(text.replaceAll(`${home}/`, '').split('\n').filter((line) => !line.startsWith(' '))).toEqual([
      'bootstrap.conf:1: RESTIC_PASSWORD refers to $b, which is not set',
      'bootstrap.conf:3: EMAIL_FROM refers to $NOBODY, which is not set',
      '.env.production:1: DB_NAME refers to ${LATER}, which is set only further down, on line 2',
    ]);
  });
});
