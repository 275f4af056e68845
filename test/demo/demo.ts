import {createHash} from 'node:crypto';
import {renderTable} from '../../src/cli/render/table.ts';
import {startBench} from '../support/bench.ts';
import {timetiles} from '../support/cli.ts';
import {databaseFingerprint} from '../support/database.ts';
import {loadDataset} from '../support/dataset.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {listTree} from '../support/tree.ts';

// `npm run demo`: a small real stack is filled, backed up, wrecked and restored; digests taken at every step prove that
// it came back as it was. Everything is the real thing and goes away in the end.

/** The stack as it is at one moment. */
interface Proof {
  events: string;
  users: string;
  database: string;
  files: string;
  uploads: string;
}

const heading = (text: string) => console.log(`\n== ${text}`);

heading('Starting a Docker engine of its own and a stack: PostgreSQL 17 with PostGIS, a web container, an uploads volume');
console.log('(the first time this builds images and takes a minute or two)');
const bench = await startBench();
const stops: (() => Promise<void>)[] = [() => bench.stop()];
let stopping: Promise<void> | undefined;
const stopAll = () => (stopping ??= stopInTurn());
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => void stopAll().then(() => process.exit(130)));
}
try {
  const stack = await startStack(bench, {project: 'demo'});
  stops.push(() => stack.stop());
  await stack.writeConfig();
  await show(stack);
} finally {
  heading('Cleaning up');
  await stopAll();
  console.log('Containers, volume, repository and engine are gone.');
}

async function stopInTurn(): Promise<void> {
  for (const stop of stops.toReversed()) await stop();
}

async function show(stack: Stack): Promise<void> {
  heading('Filling it: users, places, events and 300 uploaded files');
  await loadDataset(stack);
  const before = await prove(stack);

  heading('Backing it up');
  await run(stack, ['doctor']);
  await run(stack, ['backup']);
  await run(stack, ['backup', 'list']);

  heading('Wrecking it: most events deleted, every user renamed, a table dropped, the uploads removed');
  await stack.psql(`drop table media; delete from events where id % 5 <> 0; update users set name = 'overwritten';`);
  await stack.docker(['exec', stack.web[0] ?? '', 'sh', '-c', 'rm -rf /app/uploads/* /app/uploads/.[!.]*; echo "pay up" > /app/uploads/README']);
  const wrecked = await prove(stack);

  heading('Restoring it');
  await run(stack, ['restore', 'latest', '--yes']);
  const after = await prove(stack);

  heading('The proof');
  const row = (what: string, key: keyof Proof) => [what, before[key], wrecked[key], after[key], before[key] === after[key] ? 'same' : 'DIFFERENT'];
  console.log(
    renderTable([
      ['', 'BEFORE', 'WRECKED', 'RESTORED', ''],
      row('events', 'events'),
      row('users', 'users'),
      row('pg_dump, SHA-256', 'database'),
      row('uploaded files', 'files'),
      row('files with owners, modes, times, SHA-256', 'uploads'),
    ]),
  );
  const states = await stack.states();
  console.log(`\nContainers: ${states.join(', ')}`);
  const isSame = before.database === after.database && before.uploads === after.uploads;
  const isWrecked = before.database !== wrecked.database && before.uploads !== wrecked.uploads;
  if (!isSame || !isWrecked || !states.every((state) => state.endsWith('running'))) throw new Error('The demonstration failed: the stack did not come back as it was.');
  console.log('Database and uploads are back exactly as they were, and the app runs.');
}

/** Runs the tool as an operator would, and shows what it prints. */
async function run(stack: Stack, args: string[]): Promise<void> {
  console.log(`\n$ timetiles ${args.join(' ')}`);
  const {exitCode, stdout, stderr} = await timetiles(args, {stack});
  process.stdout.write(stderr + stdout);
  if (exitCode !== 0) throw new Error(`timetiles ${args.join(' ')} ended with ${exitCode}.`);
}

async function prove(stack: Stack): Promise<Proof> {
  const count = async (table: string) => (await stack.psql(`select count(*) from ${table}`)).trim();
  const tree = await listTree(stack.uploadsPath);
  const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);
  return {
    events: await count('events'),
    users: await count(`users where name <> 'overwritten'`),
    database: (await databaseFingerprint(stack)).sha256.slice(0, 16),
    files: String(tree.trimEnd().split('\n').filter((line) => line.split('\t')[1] === 'file').length),
    uploads: digest(tree),
  };
}
