import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {isSet, withSettings} from '../../../src/config/guarded.ts';
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

  it('names the other installation directory that there may be, where nothing is in this one', async () => {
    expect(await thrownBy(() => loadConfiguration({environment: {TIMETILES_HOME: homeWith({})}}))).toMatchObject(problem('configuration', /does not exist\)$/, /export TIMETILES_HOME=/));
  });

  it('asks for the file that held the password, and for no new one, where bootstrap has been', async () => {
    const home = homeWith({'bootstrap.conf': 'DB_NAME="a"'});
    mkdirSync(join(home, 'state'));
    writeFileSync(join(home, 'state', 'bootstrap.steps'), '');
    const load = () => loadConfiguration({environment: {TIMETILES_HOME: home}});
    expect(await thrownBy(load)).toMatchObject(problem('configuration', `${home}/.env.production, where bootstrap writes it, does not exist`, /^Put .*\.env\.production back, or write the password that was used/));
    writeFileSync(join(home, '.env.production'), 'APP="1"\n');
    expect(await thrownBy(load)).toMatchObject(problem('configuration', /do not set it\)$/, /^Write RESTIC_PASSWORD/));
  });

  it('names the file of --config as the place for a missing password', async () => {
    const file = join(homeWith({'other.conf': 'DB_NAME="a"'}), 'other.conf');
    expect(await thrownBy(() => loadConfiguration({file, environment: {}}))).toMatchObject(problem('configuration', `${file} does not set it`, `into ${file}`));
  });

  it('refuses a --config file that does not exist', async () => {
    expect(await thrownBy(() => loadConfiguration({file: '/no/such/file', environment: {}}))).toMatchObject(problem('configuration', /^\/no\/such\/file does not exist$/, /--config/));
  });

  it('expands what refers to variables of either file or of the environment, which comes first', () => {
    const home = homeWith({
      'bootstrap.conf': `${password}EMAIL_FROM="alerts@$DOMAIN_NAME"\nALERT_EMAIL="me@\${HOST:-localhost}"\nRESTIC_REPOSITORY="/\${WHERE:-x}"\n`,
      '.env.production': 'DOMAIN_NAME=example.org\nDB_NAME=${STAGE}_app\nHOST=unused\n',
    });
    const {settings} = loadConfiguration({environment: {TIMETILES_HOME: home, STAGE: 'live', HOST: 'host.org'}});
    expect(settings).toMatchObject({EMAIL_FROM: 'alerts@example.org', ALERT_EMAIL: 'me@host.org', RESTIC_REPOSITORY: '/x', DB_NAME: 'live_app'});
  });

  it('makes what cannot be expanded an error where it is used, and nowhere else', async () => {
    const home = homeWith({'bootstrap.conf': password, '.env.production': 'A=1\nEMAIL_FROM=noreply@${DOMAIN_NAME}\nDB_PASSWORD="a$b"\n'});
    const {settings, unexpanded, given} = loadConfiguration({environment: {TIMETILES_HOME: home}});
    expect(settings.EMAIL_SMTP_PORT).toBe(587);
    const fault = problem('configuration', `${home}/.env.production line 2: EMAIL_FROM refers to \${DOMAIN_NAME}, which is not set`, /^Set DOMAIN_NAME above that line, or give a default: \$\{DOMAIN_NAME:-…\}\. If the \$ .*: EMAIL_FROM='…'$/);
    expect(await thrownBy(() => settings.EMAIL_FROM)).toMatchObject(fault);
    expect(await thrownBy(() => withSettings(settings, {DB_NAME: 'x'}).EMAIL_FROM)).toMatchObject(fault);
    expect(withSettings(settings, {EMAIL_FROM: 'x'}).EMAIL_FROM).toBe('x');
    expect([isSet(settings, 'EMAIL_FROM'), isSet(settings, 'EMAIL_SMTP_PORT'), isSet(settings, 'EMAIL_SMTP_HOST')]).toEqual([true, true, false]);
    expect([...unexpanded.keys()]).toEqual(['EMAIL_FROM', 'DB_PASSWORD']);
    expect(given).toContain('EMAIL_FROM');
  });

  it.each([
    ['RESTIC_REPOSITORY=/srv/${NOWHERE}', /line 1: RESTIC_REPOSITORY refers to \$\{NOWHERE\}/],
    ['COMPOSE_PROJECT_NAME=${NOWHERE}', /COMPOSE_PROJECT_NAME refers to/],
    ['RESTIC_CACERT=${NOWHERE}/ca.pem', /RESTIC_CACERT refers to/],
    ['RESTIC_PASSWORD=${NOWHERE}', /RESTIC_PASSWORD refers to \$\{NOWHERE\}, which is not set/],
    ['RESTIC_PASSWORD="x${NOWHERE"', /RESTIC_PASSWORD holds \$\{NOWHERE…, which is no reference/],
  ])('refuses at once what every command needs: %s', async (line, message) => {
    const home = homeWith({'bootstrap.conf': `${line}\n`});
    expect(await thrownBy(() => loadConfiguration({environment: {TIMETILES_HOME: home, RESTIC_PASSWORD: line.startsWith('RESTIC_PASSWORD') ? undefined : 'x'}}))).toMatchObject(problem('configuration', message));
  });

  it.each(['"a$b"', 'a$HOME', '"a$$b"', '"a\\b"', '"a\\"b"', "'it\\'s'"])('does not guess what a password means that was read differently before: %s', async (written) => {
    const home = homeWith({'.env.production': `RESTIC_PASSWORD=${written}\n`});
    expect(await thrownBy(() => loadConfiguration({environment: {TIMETILES_HOME: home, HOME: '/root'}}))).toMatchObject(problem('configuration', /line 1: RESTIC_PASSWORD/, /single quotes/));
  });

  it.each([
    ["'a$b'", 'a$b'],
    ['q/5+w$==', 'q/5+w$=='],
    ['"a$ 5"', 'a$ 5'],
    ['"${PASS}"', 'p$q'],
    ['pre-${PASS}', 'pre-p$q'],
  ])('takes the password %s', (written, value) => {
    const home = homeWith({'.env.production': `PASS='p$q'\nRESTIC_PASSWORD=${written}\n`});
    expect(loadConfiguration({environment: {TIMETILES_HOME: home}}).settings.RESTIC_PASSWORD).toBe(value);
  });

  it('hides the secrets that a secret is made of, and those that commands refer to', () => {
    const home = homeWith({'bootstrap.conf': `${password}BACKUP_PRE_COMMAND="curl -d $API_TOKEN $APP_NAME \${API_TOKEN} $TIMETILES_SET"\nDB_PASSWORD="\${APP_NAME}-\${PG_PASS}"\n`, '.env.production': 'APP_NAME=shop\nPG_PASS=hidden-1\nAPI_TOKEN=hidden-2\n'});
    const {secrets, commandVariables, settings} = loadConfiguration({environment: {TIMETILES_HOME: home}});
    expect(settings.BACKUP_PRE_COMMAND).toBe('curl -d $API_TOKEN $APP_NAME ${API_TOKEN} $TIMETILES_SET');
    expect(commandVariables).toEqual({API_TOKEN: 'hidden-2', APP_NAME: 'shop'});
    expect(secrets).toEqual(expect.arrayContaining(['shop-hidden-1', 'hidden-1', 'hidden-2']));
    expect(secrets).not.toContain('shop');
  });

  it("lets a volume that is named elsewhere take the place of the app's own directory, and of no other", () => {
    const volume = 'UPLOADS_VOLUME="media"\n';
    const directory = 'UPLOAD_HOST_DIR=./uploads\n';
    const settingsOf = (files: Record<string, string>) => loadConfiguration({environment: {TIMETILES_HOME: homeWith(files)}}).settings;
    expect(settingsOf({'bootstrap.conf': password + volume, '.env.production': directory}).UPLOAD_HOST_DIR).toBeUndefined();
    expect(settingsOf({'bootstrap.conf': password + volume + directory})).toMatchObject({UPLOADS_VOLUME: 'media', UPLOAD_HOST_DIR: './uploads'});
  });

  it('takes a relative directory to begin where it stands', () => {
    const home = homeWith({'bootstrap.conf': `${password}UPLOAD_HOST_DIR=./uploads\n`});
    expect(loadConfiguration({environment: {TIMETILES_HOME: home}})).toMatchObject({baseDirectory: home, settings: {UPLOAD_HOST_DIR: './uploads'}});
    expect(loadConfiguration({environment: {TIMETILES_HOME: '/srv/x', RESTIC_PASSWORD: 'x', UPLOAD_HOST_DIR: 'up'}}).baseDirectory).toBe('/srv/x');
  });
});
