import {execa} from 'execa';
import {mkdir, rm} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {toolEnvironment} from '../support/cli.ts';
import {growDatabase} from '../support/dataset.ts';
import {docker} from '../support/docker.ts';
import {writeSmallFiles} from '../support/files.ts';
import {imageFor} from '../support/images.ts';
import {checkout} from '../support/paths.ts';
import type {Stack} from '../support/stack.ts';
import {compare} from './contest.ts';
import {measure} from './measure.ts';
import {scaled} from './size.ts';

const program = join(checkout, 'bin/run.js');
const rounds = 1;

/**
 * A set of a gigabyte: by hand, a fresh server is started, the dump is piped into it and the uploads are restored; nothing
 * is compared.
 */
export async function benchRestoreTest(stack: Stack): Promise<void> {
  await growDatabase(stack, scaled(850));
  writeSmallFiles(stack.uploadsPath, scaled(10_000), 11_660);
  const name = `${stack.project}-by-hand`;
  const target = join(stack.scratch, 'by-hand');
  const env = {...toolEnvironment({stack}), RESTIC_REPOSITORY: stack.repository, RESTIC_PASSWORD: 'a bench password', PGPASSWORD: 'by-hand'};
  await mkdir(dirname(stack.repository), {recursive: true});
  await execa('restic', ['init', '--quiet'], {env, extendEnv: false});
  await execa(process.execPath, [program, 'backup', '--quiet'], {env, extendEnv: false});
  const image = await imageFor(stack.bench.dockerHost, 'postgres');
  const exec = `docker exec --interactive --env PGPASSWORD ${name} psql --username postgres --quiet --output=/dev/null --set=ON_ERROR_STOP=1`;
  const script = [
    'set -euo pipefail',
    `docker run --detach --name ${name} --network none --shm-size 256m --env POSTGRES_PASSWORD=by-hand ${image} >/dev/null`,
    `until ${exec} --command 'create role "${stack.user}" superuser' postgres 2>/dev/null </dev/null; do sleep 0.1; done`,
    `restic dump --tag db latest /database.sql | ${exec} postgres`,
    `restic restore --quiet --tag uploads --target ${target} latest`,
    `docker rm --force --volumes ${name} >/dev/null`,
  ].join('\n');
  const remove = async () => {
    await docker(stack.bench.dockerHost, ['rm', '--force', '--volumes', name], {mayFail: true});
    await rm(target, {recursive: true, force: true});
  };
  try {
    await compare('`backup verify --restore-test` of a set of 1 GB against `restic dump \\| psql` into a fresh server and `restic restore`', 2, rounds, {
      prepare: remove,
      bare: () => measure({file: 'bash', args: ['-c', script], env}),
      tool: () => measure({file: process.execPath, args: [program, 'backup', 'verify', '--restore-test', '--quiet'], env}),
    });
  } finally {
    await remove();
  }
}
