import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {renderEffective} from '../../../src/cli/render/config.ts';
import {effectiveConfiguration} from '../../../src/config/effective.ts';
import {keyDefinitions, secretNames} from '../../../src/config/keys.ts';
import {problem, temporaryDirectory, thrownBy} from '../support.ts';

/** What is in effect with these files, each mode 0600, and this environment. */
function effective(files: Record<string, string>, environment: Record<string, string> = {}) {
  const home = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text, {mode: 0o600});
  const configuration = effectiveConfiguration({environment: {TIMETILES_HOME: home, ...environment}});
  const values = configuration.groups.flatMap((group) => group.values);
  return {home, configuration, valueOf: (key: string) => values.find((value) => value.key === key), text: renderEffective(configuration).text};
}

describe('effectiveConfiguration', () => {
  it('tells of every key what is in effect and where it comes from', () => {
    const {home, configuration, valueOf} = effective(
      {'bootstrap.conf': 'DB_NAME="a"\n\nDB_USER="a"\nBACKUP_KEEP_LAST="5"\n', '.env.production': 'OTHER=1\nDB_USER="b"\n'},
      {COMPOSE_PROJECT_NAME: 'shop', BACKUP_KEEP_LAST: ''},
    );
    expect(valueOf('DB_NAME')).toEqual({key: 'DB_NAME', value: 'a', secret: false, origin: {kind: 'file', file: join(home, 'bootstrap.conf'), line: 1}});
    expect(valueOf('DB_USER')).toMatchObject({value: 'b', origin: {file: join(home, '.env.production'), line: 2}});
    expect(valueOf('COMPOSE_PROJECT_NAME')).toMatchObject({value: 'shop', origin: {kind: 'environment'}});
    expect(valueOf('BACKUP_KEEP_LAST')).toMatchObject({value: '3', origin: {kind: 'default'}});
    expect(valueOf('UPLOADS_VOLUME')).toMatchObject({value: null, origin: {kind: 'default'}});
    expect(configuration.groups.flatMap((group) => group.values.map(({key}) => key))).toEqual(keyDefinitions.map(({key}) => key));
    expect(configuration.files).toEqual([{path: join(home, 'bootstrap.conf'), read: true}, {path: join(home, '.env.production'), read: true}]);
  });

  it('says of files that are not there that they are not', () => {
    const {home, configuration, text} = effective({});
    expect(configuration.files).toEqual([{path: join(home, 'bootstrap.conf'), read: false}, {path: join(home, '.env.production'), read: false}]);
    expect(text).toContain(`Not there  ${home}/bootstrap.conf`);
    expect(text).toMatch(/RESTIC_PASSWORD +not set +default/);
  });

  it("shows restic's own variables that are given, and no others", () => {
    const {configuration, text} = effective({'bootstrap.conf': 'RESTIC_PACK_SIZE="32"\n'}, {RESTIC_COMPRESSION: 'max', RESTIC_NONSENSE: '1'});
    expect(configuration.groups.at(-1)).toMatchObject({title: "restic's own variables", values: [{key: 'RESTIC_COMPRESSION', value: 'max'}, {key: 'RESTIC_PACK_SIZE', value: '32'}]});
    expect(text).not.toContain('NONSENSE');
  });

  it('lets no secret out, whatever holds it', () => {
    const secrets = Object.fromEntries([...secretNames].map((key, index) => [key, key.endsWith('_URL') ? `https://example.org/secret-${index}` : `secret-${index}`]));
    const {configuration, text, valueOf} = effective(
      {},
      {
        ...secrets,
        RESTIC_PASSWORD_COMMAND: 'echo secret-99',
        RESTIC_OFFSITE_REPOSITORY: 'rest:https://me:secret-98@example.org/x',
        AWS_ENDPOINT_URL: 'https://me:secret-97@example.org',
        BACKUP_PRE_COMMAND: `curl https://a:secret-96@x/ https://b:secret-95@y/; PGPASSWORD=${secrets['DB_PASSWORD']} psql`,
      },
    );
    expect(JSON.stringify(configuration)).not.toContain('secret-');
    expect(text).not.toContain('secret-');
    expect(valueOf('RESTIC_OFFSITE_REPOSITORY')?.value).toBe('rest:https://me@example.org/x');
    for (const key of secretNames) expect(valueOf(key)).toMatchObject({value: '***', secret: true});
    expect(text).toMatch(/RESTIC_PASSWORD +set +environment/);
  });

  it('shows a value that is also a password, since its length would tell more', () => {
    expect(effective({}, {DB_PASSWORD: 'shop', DB_NAME: 'shop'}).valueOf('DB_NAME')?.value).toBe('shop');
  });

  it('shows control characters as what they are', () => {
    expect(effective({'bootstrap.conf': 'BACKUP_PRE_COMMAND="one\\ntwo\u001B[2J"\n'}).text).toContain(String.raw`one\x0atwo\x1b[2J`);
  });

  it('names file, line, key and remedy of a bad value', async () => {
    expect(await thrownBy(() => effective({'bootstrap.conf': '\nBACKUP_KEEP_LAST="many"\n'}))).toMatchObject(problem('configuration', /bootstrap\.conf line 2: BACKUP_KEEP_LAST must/, 'Correct BACKUP_KEEP_LAST'));
  });

  it('tells of a value that it was expanded, from what, or why not', () => {
    const {valueOf, text} = effective({'.env.production': 'PG_PASS=secret-9\nNAME=shop\nDB_NAME=${NAME}_live\nDB_PASSWORD=${PG_PASS}\nEMAIL_FROM=noreply@${DOMAIN_NAME}\n'});
    expect(valueOf('DB_NAME')).toMatchObject({value: 'shop_live', expandedFrom: ['NAME'], origin: {line: 3}});
    expect(valueOf('DB_PASSWORD')).toMatchObject({value: '***', expandedFrom: ['PG_PASS']});
    expect(valueOf('EMAIL_FROM')).toMatchObject({value: null, unexpanded: 'EMAIL_FROM refers to ${DOMAIN_NAME}, which is not set'});
    expect(text).toMatch(/DB_NAME +shop_live +.*\.env\.production:3, expanded from NAME\n/);
    expect(text).toMatch(/EMAIL_FROM +not expanded +.*:5, EMAIL_FROM refers to \$\{DOMAIN_NAME\}, which is not set\n/);
    expect(text).not.toContain('secret-9');
  });
});
