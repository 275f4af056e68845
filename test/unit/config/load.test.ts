import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {loadConfiguration} from '../../../src/config/load.ts';
import {problem, temporaryDirectory, thrownBy} from '../support.ts';

/** An installation directory with these files, each mode 0600. */
function homeWith(files: Record<string, string>): string {
  const home = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text, {mode: 0o600});
  return home;
}

const password = 'RESTIC_PASSWORD="from bootstrap"\n';

describe('loadConfiguration', () => {
  it('lets the later win: bootstrap.conf, .env.production, environment', () => {
    const home = homeWith({
      'bootstrap.conf': `${password}DB_NAME="a"\nDB_USER="a"\nCOMPOSE_PROJECT_NAME="a"\n`,
      '.env.production': 'DB_NAME="b"\nDB_USER="b"\n',
    });
    const {settings, files} = loadConfiguration({environment: {TIMETILES_HOME: home, DB_NAME: 'c'}});
    expect(settings).toMatchObject({COMPOSE_PROJECT_NAME: 'a', DB_USER: 'b', DB_NAME: 'c', RESTIC_PASSWORD: 'from bootstrap'});
    expect(files.map((file) => file.path)).toEqual([join(home, 'bootstrap.conf'), join(home, '.env.production')]);
  });

  it('reads --config FILE in place of both', () => {
    const home = homeWith({'bootstrap.conf': `${password}DB_NAME="a"\n`, 'other.conf': 'RESTIC_PASSWORD="other"\n'});
    const {settings, files} = loadConfiguration({file: join(home, 'other.conf'), environment: {TIMETILES_HOME: home}});
    expect(settings.RESTIC_PASSWORD).toBe('other');
    expect(settings.DB_NAME).toBeUndefined();
    expect(files).toHaveLength(1);
  });

  it('takes an empty value for none, wherever it is', () => {
    const home = homeWith({'bootstrap.conf': `${password}DB_NAME="a"\nBACKUP_KEEP_LAST=""\nUPLOAD_HOST_DIR=\n`, '.env.production': 'DB_NAME=""\n'});
    const {settings} = loadConfiguration({environment: {TIMETILES_HOME: home, BACKUP_KEEP_DAILY: ''}});
    expect(settings).toMatchObject({BACKUP_KEEP_LAST: 3, BACKUP_KEEP_DAILY: 7});
    expect(settings.UPLOAD_HOST_DIR).toBeUndefined();
    expect(settings.DB_NAME).toBeUndefined();
  });

  it('works with the environment alone, which may hold anything', () => {
    const home = temporaryDirectory();
    const environment = {TIMETILES_HOME: home, RESTIC_PASSWORD: 'x', BACKUP_NONSENSE: '1', RESTIC_PASWORD: 'typo'};
    expect(loadConfiguration({environment})).toMatchObject({home, files: [], settings: {RESTIC_PASSWORD: 'x'}});
  });

  it("hands restic's own variables on, and takes them for a password too", () => {
    const home = homeWith({'bootstrap.conf': 'RESTIC_PASSWORD_FILE="/root/pw"\nRESTIC_COMPRESSION="max"\n'});
    const {resticEnvironment, settings} = loadConfiguration({environment: {TIMETILES_HOME: home, RESTIC_CACHE_DIR: '/c', RESTIC_PACK_SIZE: ''}});
    expect(resticEnvironment).toEqual({RESTIC_PASSWORD_FILE: '/root/pw', RESTIC_COMPRESSION: 'max', RESTIC_CACHE_DIR: '/c'});
    expect(settings.RESTIC_PASSWORD).toBeUndefined();
  });

  it('collects every secret for redaction', () => {
    const secrets = {
      RESTIC_PASSWORD: 'secret-1', AWS_SECRET_ACCESS_KEY: 'secret-2', AWS_SESSION_TOKEN: 'secret-3', DB_PASSWORD: 'secret-4',
      EMAIL_SMTP_PASS: 'secret-5', ALERT_WEBHOOK_URL: 'https://example.org/secret-6', HEARTBEAT_URL: 'https://example.org/secret-7',
      RESTIC_REST_PASSWORD: 'secret-8',
    };
    const offsite = {RESTIC_OFFSITE_REPOSITORY: 'rest:https://me:secret-9@example.org/'};
    const configuration = loadConfiguration({environment: {TIMETILES_HOME: temporaryDirectory(), ...secrets, ...offsite}});
    expect(configuration.secrets.toSorted()).toEqual([...Object.values(secrets), 'secret-9'].toSorted());
  });

  it('names file, line, key and remedy of a bad value', async () => {
    const home = homeWith({'bootstrap.conf': `# mine\n${password}BACKUP_KEEP_LAST="many"\n`});
    const load = () => loadConfiguration({environment: {TIMETILES_HOME: home}});
    expect(await thrownBy(load)).toMatchObject(problem('configuration', `${home}/bootstrap.conf line 3: BACKUP_KEEP_LAST must be a whole number of sets, such as 3`, 'Correct BACKUP_KEEP_LAST'));
  });

  it('names the environment when the bad value comes from there', async () => {
    const home = homeWith({'bootstrap.conf': password});
    const load = () => loadConfiguration({environment: {TIMETILES_HOME: home, RESTIC_REPOSITORY: 'relative'}});
    expect(await thrownBy(load)).toMatchObject(problem('configuration', 'the environment: RESTIC_REPOSITORY must be an absolute path'));
  });

  it.each([
    ['without any file', {}, /RESTIC_PASSWORD is not set \(\/.*bootstrap\.conf does not exist\)/],
    ['in one file', {'bootstrap.conf': 'DB_NAME="a"'}, /\(\/.*bootstrap\.conf does not set it\)/],
    ['in two files', {'bootstrap.conf': 'DB_NAME="a"', '.env.production': 'DB_NAME="a"'}, /bootstrap\.conf and \/.*\.env\.production do not set it/],
    ['when it is empty', {'bootstrap.conf': 'RESTIC_PASSWORD=""'}, /does not set it/],
  ])('asks for a password %s', async (_, files, message) => {
    const home = homeWith(files);
    expect(await thrownBy(() => loadConfiguration({environment: {TIMETILES_HOME: home}}))).toMatchObject(problem('configuration', message, `${home}/bootstrap.conf, mode 0600`));
  });

  it('names the file of --config as the place for a missing password', async () => {
    const file = join(homeWith({'other.conf': 'DB_NAME="a"'}), 'other.conf');
    expect(await thrownBy(() => loadConfiguration({file, environment: {}}))).toMatchObject(problem('configuration', `${file} does not set it`, `into ${file}`));
  });

  it('refuses a --config file that does not exist', async () => {
    expect(await thrownBy(() => loadConfiguration({file: '/no/such/file', environment: {}}))).toMatchObject(problem('configuration', /^\/no\/such\/file does not exist$/, /--config/));
  });
});
