import {chmodSync, mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {timetiles} from '../support/cli.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';
import {failure, failureOf, timetilesWithoutPrivilege} from './support.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack(useBench());
});
afterAll(() => stack.stop());
beforeEach(() => stack.writeConfig());

/** A file for --config; mode 0600 unless told. */
function configFile(content: string | Buffer, mode = 0o600): string {
  const path = join(stack.scratch, 'other.conf');
  rmSync(path, {force: true});
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

describe('the command line', () => {
  it.each([
    [['bakup'], 'there is no command timetiles bakup', 'Did you mean timetiles backup? See timetiles --help'],
    [['list'], 'there is no command timetiles list', 'Did you mean timetiles backup list? See timetiles --help'],
    [['backup', 'lst'], 'there is no command timetiles backup lst', 'Did you mean timetiles backup list? See timetiles backup --help'],
    [['restore', '--latest'], 'Nonexistent flag: --latest', 'Did you mean latest? See timetiles restore --help'],
    [['doctor', '--qiet'], 'Nonexistent flag: --qiet', 'Did you mean --quiet? See timetiles doctor --help'],
    [['backup', 'auto', '--show', '--disable'], /^--disable cannot also be provided when using --show$/, 'See timetiles backup auto --help'],
    [['--nope'], 'there is no command timetiles --nope', 'See timetiles --help'],
    [['backup', '--nope'], 'Nonexistent flag: --nope', 'See timetiles backup --help'],
    [['backup', 'db', '--allow-empty'], 'Nonexistent flag: --allow-empty', 'See timetiles backup db --help'],
    [['backup', 'list', 'extra'], 'there is no command timetiles backup list extra', 'See timetiles backup --help'],
    [['doctor', '-x'], 'Nonexistent flag: -x', 'See timetiles doctor --help'],
    [['restore', 'latest', 'extra'], 'Unexpected argument: extra', 'See timetiles restore --help'],
    [['restore', 'latest', '--only', 'mail'], 'Expected --only=mail to be one of: db, uploads', 'See timetiles restore --help'],
    [['restore', 'latest', '--path', 'x'], /^All of the following must be provided when using --path: --target$/, 'See timetiles restore --help'],
    [['restore', 'latest', '--target', '/tmp/x', '--dry-run'], /^--target=\/tmp\/x cannot also be provided when using --dry-run$/, 'See timetiles restore'],
    [['restore', ''], 'the name of the set is empty', 'timetiles backup list'],
  ])('%j is wrong usage', async (args, message, next) => {
    if (args[1] === '') await timetiles(['backup', 'uploads'], {stack});
    expect(await failureOf(args, {stack})).toMatchObject(failure(2, 'usage', message, next));
  });

  it('a flag without its value is wrong usage', async () => {
    const result = await timetiles(['backup', '--config'], {stack});
    expect(result).toMatchObject({exitCode: 2, stdout: '', stderr: 'Error: Flag --config expects a value\nSee timetiles backup --help\n'});
  });
});

describe('a configuration file', () => {
  it.each([
    ['is empty', '', /other\.conf is empty$/, 'Restore its content'],
    ['has blanks alone', '\n \n', /other\.conf is empty$/, 'Restore its content'],
    ['is a program', Buffer.from('\u007FELF\u0002\u0001\0\0'), /other\.conf is not a text file$/, 'KEY="value"'],
    ['is an image', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0xd8]), /other\.conf is not a text file$/, 'KEY="value"'],
    ['is prose', 'Dear operator,\n', /other\.conf line 1: not an assignment/, 'Correct line 1 of /'],
    ['has an unknown key', 'RESTIC_PASSWORD="x"\nBACKUP_EVERYTHING="1"\n', /other\.conf line 2: BACKUP_EVERYTHING is no key of timetiles/, 'Correct line 2 of /'],
    ['has a misspelt key', '# mine\nRESTIC_PASWORD="x"\n', /line 2: RESTIC_PASWORD is no key of timetiles: did you mean RESTIC_PASSWORD\?$/, 'Correct line 2'],
    ['has an open quote', 'RESTIC_PASSWORD="x\n', /line 1: RESTIC_PASSWORD opens a " that is never closed$/, 'Correct line 1'],
    ['has no password', 'COMPOSE_PROJECT_NAME="x"\n', /^RESTIC_PASSWORD is not set \(.*other\.conf does not set it\)$/, /Write RESTIC_PASSWORD="…" into .*other\.conf, mode 0600\./],
    ['has a bad number', 'RESTIC_PASSWORD="x"\nBACKUP_KEEP_LAST="many"\n', /line 2: BACKUP_KEEP_LAST must be a whole number of sets, such as 3$/, 'Correct BACKUP_KEEP_LAST'],
    ['has a relative path', 'RESTIC_PASSWORD="x"\nRESTIC_REPOSITORY="repo"\n', /line 2: RESTIC_REPOSITORY must be an absolute path/, 'Correct RESTIC_REPOSITORY'],
    ['has a bad name', 'RESTIC_PASSWORD="x"\nCOMPOSE_PROJECT_NAME="My Shop"\n', /line 2: COMPOSE_PROJECT_NAME must be a compose project name/, 'Correct COMPOSE'],
    ['has a bad URL', 'RESTIC_PASSWORD="x"\nALERT_WEBHOOK_URL="example.org"\n', /line 2: ALERT_WEBHOOK_URL must be a URL/, 'Correct ALERT_WEBHOOK_URL'],
  ])('that %s is refused', async (_, content, message, next) => {
    const path = configFile(content);
    expect(await failureOf(['backup', '--config', path], {stack})).toMatchObject(failure(2, 'configuration', message, next));
  });

  it('that all can read is refused, and the remedy works', async () => {
    const path = configFile('RESTIC_PASSWORD="x"\n', 0o644);
    const refused = await failureOf(['backup', 'list', '--config', path], {stack});
    expect(refused).toMatchObject(failure(2, 'configuration', 'line 1: RESTIC_PASSWORD is secret, and the file can be read by every user of this host', `chmod 600 ${path}`));
    chmodSync(path, 0o600);
    expect(await failureOf(['backup', 'list', '--config', path], {stack})).not.toMatchObject({kind: 'configuration'});
  });

  it('that all can write is refused', async () => {
    const path = configFile('COMPOSE_PROJECT_NAME="x"\n', 0o602);
    expect(await failureOf(['backup', '--config', path], {stack})).toMatchObject(failure(2, 'configuration', 'can be changed by every user of this host', `chmod 600 ${path}`));
  });

  it('that cannot be read is refused, whichever it is', async () => {
    const path = configFile('RESTIC_PASSWORD="x"\n', 0o000);
    const expected = (file: string) => ({exitCode: 2, stdout: '', stderr: `Error: ${file} cannot be read (EACCES)\nRun the command as the owner of the file, usually root: sudo timetiles …`});
    expect(await timetilesWithoutPrivilege(['backup', '--config', path], stack)).toEqual(expected(path));
    const main = await stack.writeConfig({}, {mode: 0o000});
    expect(await timetilesWithoutPrivilege(['doctor'], stack)).toEqual(expected(main));
  });

  it('that does not exist, or is a directory, is refused', async () => {
    expect(await failureOf(['backup', '--config', '/no/such.conf'], {stack})).toMatchObject(failure(2, 'configuration', /^\/no\/such\.conf does not exist$/, '--config'));
    expect(await failureOf(['backup', '--config', stack.scratch], {stack})).toMatchObject(failure(2, 'configuration', /is not a file$/, 'KEY="value"'));
  });

  it.each(['bootstrap.conf', '.env.production'])('is checked just so when it is %s of the installation', async (file) => {
    await stack.writeConfig({RESTIC_REPOSITRY: '/x'}, {file});
    const path = join(stack.home, file);
    expect(await failureOf(['doctor'], {stack})).toMatchObject(failure(2, 'configuration', `${path} line 4: RESTIC_REPOSITRY is no key of timetiles: did you mean RESTIC_REPOSITORY?`, `Correct line 4 of ${path}.`));
    rmSync(path);
  });

  it("leaves the app's own keys in .env.production alone", async () => {
    writeFileSync(join(stack.home, '.env.production'), 'PAYLOAD_SECRET=abc#def\nDB_POOL_MAXIMUM=5\njust words\n', {mode: 0o600});
    const result = await timetiles(['doctor'], {stack});
    rmSync(join(stack.home, '.env.production'));
    expect(result.stderr).toBe('');
    expect(result).toMatchObject({exitCode: 0, stdout: expect.stringMatching(/A backup can run\.\n$/)});
  });

  it('is needed: without one, and without a password in the environment, nothing begins', async () => {
    rmSync(join(stack.home, 'bootstrap.conf'));
    const where = `RESTIC_PASSWORD is not set (${stack.home}/bootstrap.conf does not exist)`;
    expect(await failureOf(['backup'], {stack})).toMatchObject(failure(2, 'configuration', where, `into ${stack.home}/bootstrap.conf, mode 0600`));
    expect(await failureOf(['backup'], {stack, env: {RESTIC_PASSWORD: 'x', BACKUP_MIN_FREE_GB: 'much'}})).toMatchObject(
      failure(2, 'configuration', 'the environment: BACKUP_MIN_FREE_GB must be a number of gigabytes', 'Correct BACKUP_MIN_FREE_GB'),
    );
  });
});

describe('names that lead nowhere', () => {
  it.each([
    ['COMPOSE_PROJECT_NAME', 'nobody', 'container', /^there is no compose project nobody; Docker has these projects: /, 'correct COMPOSE_PROJECT_NAME'],
    ['POSTGRES_CONTAINER', 'nobody', 'container', /^there is no container nobody \(POSTGRES_CONTAINER\)$/, 'docker ps -a'],
    ['UPLOADS_VOLUME', 'nothing', 'volume', /^there is no volume nothing \(UPLOADS_VOLUME\); the project \S+ has these volumes: /, 'UPLOADS_VOLUME'],
    ['UPLOAD_HOST_DIR', '/no/such/directory', 'volume', /^the directory \/no\/such\/directory \(UPLOAD_HOST_DIR\) has no directory/, 'ls /no/such/directory'],
    ['DB_NAME', 'nothing', 'database', /database "nothing" does not exist/, 'Correct DB_NAME'],
    ['DB_PASSWORD', 'wrong password', 'database', /refuses the login of timetiles: password authentication failed/, 'Set DB_USER and DB_PASSWORD'],
  ])('%s="%s"', async (key, value, kind, message, next) => {
    await stack.writeConfig({[key]: value});
    const refused = await failureOf(['backup'], {stack});
    expect(refused).toMatchObject(failure(1, kind, message, next));
    expect(JSON.stringify(refused)).not.toContain('wrong password');
  });

  it('a Docker engine that is not there', async () => {
    const gone = {stack, env: {DOCKER_HOST: 'unix:///no/docker.sock'}};
    expect(await failureOf(['backup'], gone)).toMatchObject(failure(1, 'docker', 'Docker does not answer at unix:///no/docker.sock (ENOENT)', 'DOCKER_HOST'));
  });

  it('a restic that is not installed', async () => {
    const empty = join(stack.scratch, 'empty-path');
    mkdirSync(empty, {recursive: true});
    const lost = {stack, env: {PATH: empty}};
    expect(await failureOf(['backup'], lost)).toMatchObject(failure(1, 'program-missing', /^the program \w+ cannot be started \(ENOENT\)$/, 'apt-get install'));
  });
});

it('a repository that may not be read is not taken for one that is not there, and doctor looks whether one can be made', async () => {
  const locked = join(stack.scratch, 'locked');
  mkdirSync(join(locked, 'repository'), {recursive: true});
  chmodSync(locked, 0o000);
  await stack.writeConfig({RESTIC_REPOSITORY: join(locked, 'repository')});
  for (const args of [['backup', 'list'], ['backup', 'status'], ['backup', 'verify']]) {
    const refused = await timetilesWithoutPrivilege(args, stack);
    expect(refused).toMatchObject({exitCode: 1, stderr: expect.stringContaining(`this user may not read the repository ${locked}/repository`)});
  }
  const check = async () => {
    const doctor = await timetilesWithoutPrivilege(['doctor', '--json'], stack);
    const {state, checks}: {state: string; checks: {name: string; state: string; message: string}[]} = JSON.parse(doctor.stdout);
    return {exitCode: doctor.exitCode, state, repository: checks.find(({name}) => name === 'repository')};
  };
  expect(await check()).toMatchObject({exitCode: 1, repository: {state: 'fail', message: expect.stringContaining('may not read')}});
  chmodSync(locked, 0o555);
  await stack.writeConfig({RESTIC_REPOSITORY: join(locked, 'other', 'repository')});
  expect(await check()).toMatchObject({exitCode: 1, repository: {state: 'fail', message: expect.stringContaining(`${locked} cannot be written to`)}});
  rmSync(locked, {recursive: true});
});
