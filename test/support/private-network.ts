import {readlinkSync} from 'node:fs';
import {join} from 'node:path';
import {checkout} from './paths.ts';

/**
 * Demands a network in which an engine can do no harm. A process that has none, because it was started by hand, starts
 * anew in one, under its own process id, so that signals and the exit code are still its own.
 */
export function enterPrivateNetwork(): void {
  if (process.env['BENCH_NETWORK'] === readlinkSync('/proc/self/ns/net')) return;
  const script = join(checkout, 'test/setup/private-network.sh');
  const env = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  if (!process.execve) throw new Error(`Start this with: bash ${script} COMMAND`);
  process.execve('/bin/bash', ['bash', script, process.execPath, ...process.execArgv, ...process.argv.slice(1)], env);
}
