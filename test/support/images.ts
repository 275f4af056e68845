import {createHash} from 'node:crypto';
import {readdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {docker} from './docker.ts';
import {importDebian} from './debian.ts';
import {checkout} from './paths.ts';

/** The images a test may ask for by name. */
export type ImageName =
  | 'debian'
  | 'debianBookworm'
  | 'gateway'
  | 'idle'
  | 'postgres'
  | 'postgresDebianLayout'
  | 'postgresForeign'
  | 'postgresOfficial'
  | 'postgresPlain'
  | 'postgres15'
  | 'postgresExtras'
  | 'postgresTwoStarts'
  | 'restServer'
  | 'server'
  | 'serverBookworm'
  | 'web';

type Recipe =
  | {tag: string; suite: string}
  | {tag: string; base: ImageName; directory: string; packages: string[]};

const serverPackages = ['restic', 'cron', 'util-linux', 'logrotate', 'ca-certificates'];

const recipes: Record<ImageName, Recipe> = {
  debian: {tag: 'timetiles-bench/debian:trixie', suite: 'trixie'},
  debianBookworm: {tag: 'timetiles-bench/debian:bookworm', suite: 'bookworm'},
  // Without PostGIS: a restore into it must name the missing extension.
  postgresPlain: {
    tag: 'timetiles-bench/postgres-plain:17',
    base: 'debian',
    directory: 'postgres',
    packages: ['postgresql-17'],
  },
  postgres: {
    tag: 'timetiles-bench/postgres:17',
    base: 'postgresPlain',
    directory: 'postgres',
    packages: ['postgresql-17-postgis-3', 'postgresql-17-postgis-3-scripts'],
  },
  // With extensions and places that a dump of another server may ask for: pg_cron, TimescaleDB's manners, a tablespace.
  postgresExtras: {
    tag: 'timetiles-bench/postgres-extras:17',
    base: 'postgres',
    directory: 'postgres-extras',
    packages: ['postgresql-17-cron'],
  },
  // An older server: a restore into it must be refused.
  postgres15: {
    tag: 'timetiles-bench/postgres:15',
    base: 'debianBookworm',
    directory: 'postgres',
    packages: ['postgresql-15'],
  },
  // With a temporary server at its first start, as the official images have one.
  postgresTwoStarts: {
    tag: 'timetiles-bench/postgres-two-starts:17',
    base: 'postgresPlain',
    directory: 'postgres-two-starts',
    packages: [],
  },
  // Kartoza's conventions, those of the official image, and nobody's.
  postgresDebianLayout: {
    tag: 'timetiles-bench/postgres-debian-layout:17',
    base: 'postgres',
    directory: 'postgres-debian-layout',
    packages: ['postgresql-17-cron', 'postgresql-17-pgrouting', 'postgresql-17-pgrouting-scripts', 'postgresql-17-h3', 'ssl-cert', 'locales'],
  },
  postgresOfficial: {
    tag: 'timetiles-bench/postgres-official:17',
    base: 'postgres',
    directory: 'postgres-official',
    packages: ['gosu', 'libnss-wrapper', 'locales', 'xz-utils'],
  },
  postgresForeign: {tag: 'timetiles-bench/postgres-foreign:17', base: 'postgres', directory: 'postgres-foreign', packages: []},
  idle: {tag: 'timetiles-bench/idle:1', base: 'debian', directory: 'idle', packages: []},
  // Object storage that enforces bucket policies.
  gateway: {
    tag: 'timetiles-bench/gateway:1',
    base: 'debian',
    directory: 'gateway',
    packages: ['radosgw', 'ceph-common'],
  },
  restServer: {
    tag: 'timetiles-bench/rest-server:1',
    base: 'debian',
    directory: 'rest-server',
    packages: ['restic-rest-server'],
  },
  // Servers on which bootstrap finds every package it needs.
  server: {tag: 'timetiles-bench/server:trixie', base: 'debian', directory: 'server', packages: [...serverPackages, 'docker-cli']},
  serverBookworm: {tag: 'timetiles-bench/server:bookworm', base: 'debianBookworm', directory: 'server', packages: [...serverPackages, 'docker.io']},
  web: {tag: 'timetiles-bench/web:1', base: 'postgresPlain', directory: 'web', packages: []},
};

const label = 'timetiles-bench.recipe';
const building = new Map<string, Promise<string>>();

/** The tag of an image, built first when the engine does not have it or its recipe has changed. */
export function imageFor(dockerHost: string, name: ImageName): Promise<string> {
  // Two askers share one build. Every test file has its own process, but there the image exists already.
  const key = `${dockerHost} ${name}`;
  const known = building.get(key);
  if (known) return known;
  const work = build(dockerHost, name).finally(() => building.delete(key));
  building.set(key, work);
  return work;
}

async function build(dockerHost: string, name: ImageName): Promise<string> {
  const recipe = recipes[name];
  const digest = await digestOf(name);
  const found = await docker(
    dockerHost,
    ['image', 'inspect', '--format', `{{index .Config.Labels "${label}"}}`, recipe.tag],
    {mayFail: true},
  );
  if (found.exitCode === 0 && found.stdout.trim() === digest) return recipe.tag;
  const started = Date.now();
  console.error(`Building ${recipe.tag} …`);
  if ('suite' in recipe) {
    await importDebian(dockerHost, recipe.suite, recipe.tag, `LABEL ${label}=${digest}`);
  } else {
    const base = await imageFor(dockerHost, recipe.base);
    const args = ['--build-arg', `BASE=${base}`, '--build-arg', `PACKAGES=${recipe.packages.join(' ')}`];
    const source = join(checkout, 'test/setup/images', recipe.directory);
    // Where the bench's own network has its way out.
    await docker(dockerHost, [
      'build', '--network=host', '--label', `${label}=${digest}`, '--tag', recipe.tag, ...args, source,
    ]);
  }
  console.error(`Built ${recipe.tag} in ${Math.round((Date.now() - started) / 1000)} s`);
  return recipe.tag;
}

/** What an image is made of: its own files and all that is below it. */
async function digestOf(name: ImageName): Promise<string> {
  const recipe = recipes[name];
  const hash = createHash('sha256').update(JSON.stringify(recipe));
  if ('base' in recipe) {
    hash.update(await digestOf(recipe.base));
    const directory = join(checkout, 'test/setup/images', recipe.directory);
    for (const file of (await readdir(directory)).toSorted()) {
      hash.update(`\0${file}\0`).update(await readFile(join(directory, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}
