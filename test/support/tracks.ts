import {existsSync} from 'node:fs';
import {readdir} from 'node:fs/promises';
import {dirname} from 'node:path';
import {processesNaming, commandLine} from './processes.ts';
import type {Stack} from './stack.ts';

/**
 * What is to be seen of a stack beside its data: names of containers, volumes, databases, and files next to the uploads
 * and in the installation directory. Equal before and after a run means that the run left nothing over. `alerts.log` is
 * no trace: it is where failures are meant to be written.
 */
export async function tracksOf(stack: Stack): Promise<string[]> {
  // Another test file may be at work on the same engine; what the tool would make bears its name or the project's.
  const ours = ['--filter', `name=${stack.project}`, '--filter', 'name=timetiles'];
  const lists = await Promise.all([
    listing(stack, 'container', ['ps', '--all', ...ours, '--format', '{{.Names}} {{.State}}']),
    listing(stack, 'volume', ['volume', 'ls', ...ours, '--format', '{{.Name}}']),
    databases(stack),
    files('beside the uploads', dirname(stack.uploadsPath)),
    files('in the installation', stack.home),
    listing(stack, 'temporary file in the container', ['exec', stack.postgres, 'ls', '-A', '/tmp']),
  ]);
  return lists.flat().toSorted();
}

/** Processes of the tool's making that still run, itself included: each as its command line. */
export async function leftoverProcesses(stack: Stack): Promise<string[]> {
  // restic gets paths by its environment, `docker exec` names the container.
  const pids = new Set([
    ...(await processesNaming(stack.scratch, 'environ')),
    ...(await processesNaming(stack.scratch)),
    ...(await processesNaming(stack.postgres)),
  ]);
  const lines = await Promise.all([...pids].map((pid) => commandLine(pid)));
  return lines.filter((line) => line !== undefined).map((line) => line.join(' '));
}

async function listing(stack: Stack, kind: string, command: string[]): Promise<string[]> {
  const {stdout} = await stack.docker(command);
  return stdout.split('\n').filter((line) => line !== '').map((line) => `${kind} ${line}`);
}

async function databases(stack: Stack): Promise<string[]> {
  const names = await stack.psql(`select quote_ident(datname) from pg_database`, {database: 'template1'});
  return names.split('\n').map((name) => `database ${name}`);
}

async function files(kind: string, directory: string): Promise<string[]> {
  if (!existsSync(directory)) return [];
  return (await readdir(directory)).filter((name) => name !== 'alerts.log').map((name) => `${kind}: ${name}`);
}
