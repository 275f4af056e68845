import {createHash} from 'node:crypto';
import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {execa} from 'execa';
import {afterAll, describe, expect, it} from 'vitest';
import {kitText, type KitFacts} from '../../src/offsite/kit.ts';
import {useBench} from '../support/use-bench.ts';

const bench = useBench();
const directory = mkdtempSync(join(tmpdir(), 'timetiles-kit-'));
const repository = join(directory, 'restic repo');
const environment = {RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: 'a bench password', HOME: directory};

afterAll(() => rmSync(directory, {recursive: true, force: true}));

describe('the emergency kit', () => {
  it('brings back a repository that lost config and keys, by the commands it prints', async () => {
    await execa(bench.restic.newest, ['init', '--quiet'], {env: environment});
    const names = ['config', ...readdirSync(join(repository, 'keys')).map((name) => `keys/${name}`)];
    const files = names.map((name) => {
      const bytes = readFileSync(join(repository, name));
      return {name, base64: bytes.toString('base64'), sha256: createHash('sha256').update(bytes).digest('hex')};
    });
    const facts: KitFacts = {made: new Date(), host: 'host', project: 'project', toolVersion: '0', localPath: repository, repositoryId: '0'.repeat(64), offsite: undefined, files};
    const kit = kitText(facts);
    for (const name of names) rmSync(join(repository, name));
    const broken = await execa(bench.restic.newest, ['snapshots', '--no-lock', '--no-cache'], {env: environment, reject: false});
    expect(broken.exitCode).not.toBe(0);

    const commands = kit.slice(kit.indexOf('mkdir -p kit-files'), kit.indexOf('\n\n7. '));
    const putBack = kit.slice(kit.indexOf('cp -n'));
    const unpacked = await execa('bash', ['-euo', 'pipefail', '-c', `${commands}\n${putBack}`], {cwd: directory});
    expect(unpacked.stdout.match(/: OK$/gm)).toHaveLength(names.length);

    const mended = await execa(bench.restic.newest, ['check', '--no-cache'], {env: environment});
    expect(mended.stdout).toContain('no errors were found');
  });
});
