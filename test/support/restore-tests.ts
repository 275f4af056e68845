import {createHash} from 'node:crypto';
import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {execa} from 'execa';
import {timetiles, type TimetilesOptions, type TimetilesResult} from './cli.ts';
import {dockerLines} from './docker.ts';
import {plainRestic, plainResticEnvironment} from './plain-restic.ts';
import {waitUntil} from './processes.ts';
import type {Stack} from './stack.ts';
import {leftovers} from './leftovers.ts';
import type {BackupReport} from './two-states.ts';

/** One line of the report of a restore test. */
export interface ReportedCheck {
  name: string;
  state: 'passed' | 'failed' | 'skipped';
  detail: string;
}

export function restoreTest(stack: Stack, args: string[] = [], options: TimetilesOptions = {}): Promise<TimetilesResult> {
  return timetiles(['backup', 'verify', '--restore-test', ...args, '--json'], {stack, ...options});
}

/** The failed checks of a report, as `db rows: …`. */
export function failures(result: TimetilesResult): string[] {
  const {sources}: {sources: {source: string; checks: ReportedCheck[]}[]} = result.json();
  return sources.flatMap(({source, checks}) => checks.filter(({state}) => state === 'failed').map(({name, detail}) => `${source} ${name}: ${detail}`));
}

/** What restore tests of a stack have on its engine and on its host: containers, volumes, records. */
export async function throwaways(stack: Stack): Promise<string[]> {
  const {dockerHost} = stack.bench;
  const mark = createHash('sha256').update(stack.repository).digest('hex').slice(0, 8);
  const format = ['--format', '{{.Label "org.timetiles.restore-test"}}'];
  const containers = await dockerLines(dockerHost, ['ps', '--all', '--filter', 'label=org.timetiles.restore-test', ...format]);
  const volumes = await dockerLines(dockerHost, ['volume', 'ls', '--filter', 'label=org.timetiles.restore-test', ...format]);
  const records = readdirSync(join(stack.home, 'state')).filter((name) => name.startsWith('restore-test-'));
  const own = (names: string[], what: string) => names.filter((name) => name.startsWith(mark)).map((name) => `${what} ${name}`);
  return [...own(containers, 'container'), ...own(volumes, 'volume'), ...records.map((name) => `record ${name}`)];
}

/** Everything that is over must be gone, in the live stack as well. */
export async function leftOfTests(stack: Stack): Promise<string[]> {
  return [...(await throwaways(stack)), ...(await leftovers(stack))];
}

/** What nobody may touch while a set is tested: containers with their starts, databases, volumes. */
export async function liveStack(stack: Stack): Promise<string[]> {
  const {dockerHost} = stack.bench;
  const filter = ['--filter', `label=com.docker.compose.project=${stack.project}`];
  const ids = await dockerLines(dockerHost, ['ps', '--all', '--quiet', '--no-trunc', ...filter]);
  const containers = await dockerLines(dockerHost, ['inspect', '--format', '{{.Name}} {{.Id}} {{.State.Status}} {{.State.StartedAt}} {{.State.FinishedAt}}', ...ids]);
  const volumes = await dockerLines(dockerHost, ['volume', 'ls', '--quiet', ...filter]);
  const databases = await stack.psql(`select oid || ' ' || datname from pg_database order by oid`, {database: 'template1'});
  return [...containers.toSorted(), ...volumes.toSorted(), databases];
}

/** Looks at the live stack again and again while something runs. @returns what was ever another than at first */
export async function watchLive<Result>(stack: Stack, work: Promise<Result>): Promise<{result: Result; changes: string[][]}> {
  const first = await liveStack(stack);
  const changes: string[][] = [];
  let ended = false;
  const end = () => void (ended = true);
  work.then(end, end);
  await waitUntil(async () => {
    const now = await liveStack(stack);
    if (now.join('\n') !== first.join('\n')) changes.push(now);
    return ended;
  }, 120_000, 50);
  return {result: await work, changes};
}

interface Tampering {
  /** Changes the dump. */
  dump?: (text: string) => string;
  /** Stored in the place of the uploads. */
  uploads?: string;
  /** Changes the record of a source in the manifest; that of the database is the only one with tables. */
  record?: (record: ReturnType<typeof JSON.parse>) => void;
  /** The manifest then names the snapshots of the set that it was made from. */
  keepSnapshots?: boolean;
  withoutManifest?: boolean;
}

/** Stores a set by plain restic that is another one but for what was changed: `db` alone, or `uploads` alone where these are given. @returns its id */
export async function storeTampered(stack: Stack, original: BackupReport, id: string, tampering: Tampering): Promise<string> {
  const source = tampering.uploads === undefined ? 'db' : 'uploads';
  const from = original.snapshots.find((snapshot) => snapshot.source === source)?.id ?? '';
  const tags = (...more: string[]) => ['timetiles', `set:${id}`, ...more].flatMap((tag) => ['--tag', tag]);
  const env = plainResticEnvironment(stack);
  const store = async (args: string[], more: {input?: string; cwd?: string}) => {
    const {stdout} = await execa(stack.bench.restic.newest, ['backup', '--json', ...args], {env, extendEnv: false, ...more});
    return String(/"snapshot_id":"([0-9a-f]+)"/.exec(stdout)?.[1]);
  };
  const piped = (name: string) => ['--stdin', '--stdin-filename', `/${name}`];
  const stored =
    tampering.uploads === undefined
      ? await store([...piped('database.sql'), ...tags('db')], {input: (tampering.dump ?? ((text: string) => text))(await plainRestic(stack, ['dump', from, '/database.sql']))})
      : await store([...tags('uploads'), '.'], {cwd: tampering.uploads});
  if (tampering.withoutManifest) return id;
  const [{id: manifestId}] = JSON.parse(await plainRestic(stack, ['snapshots', '--json', '--tag', `set:${original.set},manifest`]));
  const manifest = JSON.parse(await plainRestic(stack, ['dump', manifestId, '/manifest.json']));
  const record = manifest.sources.find((candidate: {source: string}) => candidate.source === source);
  if (!tampering.keepSnapshots) record.snapshot = stored;
  tampering.record?.(record);
  const text = JSON.stringify({...manifest, set: id, sources: [record]});
  await store([...piped('manifest.json'), ...tags('manifest', `sources:${source}`)], {input: text});
  return id;
}

