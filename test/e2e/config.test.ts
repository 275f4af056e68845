import {chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {timetiles} from '../support/cli.ts';
import {failure, failureOf} from './support.ts';

let home = '';
const environment = () => ({TIMETILES_HOME: home, LOG_DIR: join(home, 'log')});
const inHome = (args: string[]) => timetiles(args, {env: environment(), cwd: home});

/** A file in the installation directory, mode 0600 unless told. */
function write(name: string, text: string, mode = 0o600): string {
  const path = join(home, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'timetiles-config-'));
});
afterAll(() => rmSync(home, {recursive: true, force: true}));

it('config show tells what is in effect, and no secret', async () => {
  const path = write('bootstrap.conf', '# mine\nRESTIC_PASSWORD="correct horse"\nRESTIC_OFFSITE_REPOSITORY="rest:https://me:battery-staple@example.org/"\n');
  const plain = await inHome(['config', 'show']);
  expect(plain).toMatchObject({exitCode: 0, stderr: ''});
  expect(plain.stdout).toMatch(new RegExp(String.raw`RESTIC_PASSWORD +set +${path}:2\n`));
  expect(plain.stdout).toMatch(new RegExp(String.raw`LOG_DIR +${home}/log +environment`));
  const json = await inHome(['config', 'show', '--json']);
  expect(json.json()).toMatchObject({home, files: [{path, read: true}, {path: join(home, '.env.production'), read: false}]});
  expect(json.json().values).toContainEqual({key: 'RESTIC_PASSWORD', value: '***', secret: true, origin: {kind: 'file', file: path, line: 2}});
  for (const secret of ['horse', 'staple']) expect(plain.stdout + json.stdout).not.toContain(secret);
  expect(existsSync(join(home, 'log'))).toBe(false);
});

it('config show of a broken configuration fails as every command does', async () => {
  const path = write('other.conf', '\nBACKUP_KEEP_LAST="many"\n');
  expect(await failureOf(['config', 'show', '--config', path], {env: environment()})).toMatchObject(failure(2, 'configuration', `${path} line 2: BACKUP_KEEP_LAST must be a whole number`, 'Correct BACKUP_KEEP_LAST'));
});

it('config check names every problem, and its remedies work', async () => {
  const path = write('candidate.conf', 'RESTIC_PASWORD="x"\nRESTIC_PASSWORD="correct horse"\nDB_NAME=a#b\n', 0o644);
  const wrong = await inHome(['config', 'check', 'candidate.conf']);
  expect(wrong).toMatchObject({exitCode: 2, stderr: ''});
  expect(wrong.stdout.match(/^candidate\.conf:\d+/gm)).toEqual(['candidate.conf:1', 'candidate.conf:2', 'candidate.conf:3']);
  expect(wrong.stdout).not.toContain('horse');
  const json = await inHome(['config', 'check', path, '--json']);
  expect(json).toMatchObject({exitCode: 2});
  expect(json.json()).toMatchObject({state: 'fail', files: [{path, problems: [{line: 1}, {line: 2, next: `chmod 600 ${path}`}, {line: 3, key: 'DB_NAME'}]}]});
  write('candidate.conf', 'RESTIC_PASSWORD="correct horse"\nDB_NAME="a#b"\n');
  expect(await inHome(['config', 'check', path])).toMatchObject({exitCode: 0, stderr: '', stdout: `${path}: nothing is wrong, 2 values\n`});
});

it.each([
  [['config', 'check', '/no/such.conf'], 'configuration', '/no/such.conf does not exist', 'timetiles config check FILE'],
  [['config', 'check', 'a', '--config', 'b'], 'usage', 'two files are named', 'Name one of them.'],
])('%j is refused', async (args, kind, message, next) => {
  expect(await failureOf(args, {env: environment()})).toMatchObject(failure(2, kind, message, next));
});

it("takes the app's own file as compose does, and names what it refers to in vain", async () => {
  const own = write('bootstrap.conf', "RESTIC_PASSWORD='correct$horse'\n");
  const app = write('.env.production', [
    'COMPOSE_PROJECT_NAME=timetiles', 'DB_USER=tiles', 'DB_PASSWORD=battery-staple', 'DATABASE_URL=postgresql://${DB_USER}:${DB_PASSWORD}@postgres:5432/app', 'just words', 'HOST_PORT=3000     # why',
    'UPLOAD_HOST_DIR=./uploads', 'UPLOAD_DIR=/app/uploads', 'EMAIL_FROM=noreply@${DOMAIN_NAME}', 'EMAIL_SMTP_TLS_SERVERNAME=mail.example.org', 'EMAIL_SMTP_SECURE=false', 'PG_MAX_LOCKS=1024', 'RESTIC_PASSWORD=',
    'BACKUP_KEEP_DAILY=${DAYS:-9}', '# RESTIC_OFFSITE_REPOSITORY=', '',
  ].join('\n'));
  const {exitCode, stdout} = await inHome(['config', 'check']);
  expect({exitCode, stdout}).toEqual({exitCode: 2, stdout: expect.stringMatching(new RegExp(`^${app}:9: EMAIL_FROM refers to ..DOMAIN_NAME., which is not set\n {4}Set DOMAIN_NAME above`, 'm'))});
  write('.env.production', `DOMAIN_NAME=example.org\n${readFileSync(app, 'utf8').replace('RESTIC_PASSWORD=\n', '')}`);
  expect(await inHome(['config', 'check'])).toMatchObject({exitCode: 0, stdout: `${own}: nothing is wrong, 1 value\n${app}: nothing is wrong, 7 values\n`});
  const shown = await inHome(['config', 'show']);
  expect(shown.stdout).toMatch(new RegExp(String.raw`EMAIL_FROM +noreply@example\.org +${app}:10, expanded from DOMAIN_NAME\n`));
  expect(shown.stdout).toMatch(/BACKUP_KEEP_DAILY +9 .*\n/);
  expect(shown.stdout).not.toMatch(/staple|horse/);
});
