import {join} from 'node:path';
import {execa} from 'execa';
import {expect} from 'vitest';
import {z} from 'zod';
import {timetiles, toolEnvironment, type TimetilesOptions} from '../support/cli.ts';
import {checkout} from '../support/paths.ts';
import type {Stack} from '../support/stack.ts';
import {tracksOf} from '../support/tracks.ts';
import {listTree} from '../support/tree.ts';

export const program = join(checkout, 'bin', 'run.js');

const candidateSchema = z.strictObject({line: z.string(), description: z.string()});
const errorSchema = z.strictObject({error: z.strictObject({kind: z.string(), message: z.string(), next: z.string(), candidates: z.array(candidateSchema).min(1).optional()})});

/** What a run that fails tells. */
export interface Failure {
  exitCode: number;
  kind: string;
  message: string;
  next: string;
}

/** Runs a command that has to fail, for people and with `--json`, and makes sure that both are told the same. */
export async function failureOf(args: string[], options: TimetilesOptions): Promise<Failure> {
  const plain = await timetiles(args, options);
  const json = await timetiles([...args, '--json'], options);
  const {candidates = [], ...error} = errorSchema.parse(json.json()).error;
  expect(plain.stdout).toBe('');
  expect(plain.stderr.slice(plain.stderr.lastIndexOf('Error: '))).toBe(`Error: ${error.message}\n${error.next}\n`);
  expect(plain.exitCode).toBe(json.exitCode);
  expect(error.next).not.toBe('');
  for (const {line} of candidates) expect(error.next).toContain(line);
  return {exitCode: plain.exitCode, ...error};
}

/** What such a failure looks like. */
export function failure(exitCode: number, kind: string, message: string | RegExp, next: string | RegExp = /./): object {
  return {exitCode, kind, message: textLike(message), next: textLike(next)};
}

function textLike(pattern: string | RegExp): unknown {
  return typeof pattern === 'string' ? expect.stringContaining(pattern) : expect.stringMatching(pattern);
}

/** Runs a command that must succeed, to prepare a test. */
export async function succeed(args: string[], stack: Stack): Promise<void> {
  const result = await timetiles(args, {stack});
  if (result.exitCode !== 0) throw new Error(`timetiles ${args.join(' ')} failed (${result.exitCode}): ${result.stderr}`);
}

/** Runs the tool as root that has lost its right to read everything, so that modes count for it. */
export async function timetilesWithoutPrivilege(args: string[], stack: Stack): Promise<{exitCode: number; stdout: string; stderr: string}> {
  const limited = ['--bounding-set=-dac_override,-dac_read_search', '--', process.execPath, program];
  const result = await execa('setpriv', [...limited, ...args], {env: toolEnvironment({stack}), extendEnv: false, reject: false, stdin: 'ignore'});
  return {exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr};
}

/** Everything of a stack that a command might change: data, containers, what lies beside them. */
export async function stateOf(stack: Stack): Promise<string> {
  const dump = await stack.pgDump();
  return JSON.stringify([dump, await listTree(stack.uploadsPath), await stack.states(), await tracksOf(stack)], undefined, 1);
}
