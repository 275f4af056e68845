import {mkdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';
import {toolEnvironment} from './cli.ts';
import {checkout} from './paths.ts';
import type {Stack} from './stack.ts';

/** A command of docs/recovery.md and how it ended. */
interface Ran {
  command: string;
  exitCode: number;
}

export interface PageRun {
  ran: Ran[];
  /** What the commands printed, on both channels. */
  output: string;
}

/** What a reader of the page brings along. */
export interface Reader {
  stack: Stack;
  /** What stands in the place of each `…`, in their order. */
  values?: string[];
  /** What is typed where the page reads a secret. */
  answers?: string[];
  /** Other variables than those of the stack; `undefined` takes one away. */
  env?: Record<string, string | undefined>;
  /** Only these of the chapter's blocks, counted from 0. */
  blocks?: number[];
}

/** The commands of one chapter of docs/recovery.md, block by block. */
async function readChapter(heading: string): Promise<string[][]> {
  const page = await readFile(join(checkout, 'docs/recovery.md'), 'utf8');
  const chapter = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  if (chapter === undefined) throw new Error(`docs/recovery.md has no chapter ${heading}`);
  return [...chapter.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block.trimEnd().split('\n'));
}

/** Every chapter that has commands. */
export async function chapters(): Promise<string[]> {
  const page = await readFile(join(checkout, 'docs/recovery.md'), 'utf8');
  return page.split(/^## /m).filter((text) => text.includes('```sh')).map((text) => text.split('\n')[0] ?? '');
}

/**
 * Runs a chapter as a reader would, one line after the other in one bash, whatever the one before came to. Only the
 * places are others: the installation directory and `/srv` are the stack's.
 */
export async function followChapter(heading: string, reader: Reader): Promise<PageRun> {
  const {stack, values = [], answers = [], blocks} = reader;
  const all = await readChapter(heading);
  const left = [...values];
  const commands = all.filter((_, index) => blocks?.includes(index) ?? true).flat().map((line) =>
    line.replaceAll('…', () => left.shift() ?? '…').replaceAll('/opt/timetiles', stack.home).replaceAll('/srv/', `${stack.scratch}/srv/`),
  );
  const unfilled = commands.find((command) => command.includes('…'));
  if (unfilled !== undefined || left.length > 0) throw new Error(`the values do not fit the chapter ${heading}: ${unfilled ?? `${left.length} too many`}`);
  const marker = 'timetiles-page-exit';
  const script = [`timetiles() { '${process.execPath}' '${join(checkout, 'bin', 'run.js')}' "$@" </dev/null; }`, ...commands.flatMap((command) => [command, `printf '\\n${marker} %s\\n' "$?"`])].join('\n');
  await mkdir(join(stack.scratch, 'srv'), {recursive: true});
  const environment = toolEnvironment({stack, ...(reader.env && {env: reader.env})});
  const {all: output} = await execa('bash', ['--norc', '-u', '-c', script], {
    env: environment,
    extendEnv: false,
    cwd: stack.scratch,
    input: answers.map((answer) => `${answer}\n`).join(''),
    reject: false,
    all: true,
    timeout: 240_000,
  });
  const codes = [...output.matchAll(new RegExp(`^${marker} (\\d+)$`, 'gm'))].map(([, code]) => Number(code));
  if (codes.length !== commands.length) throw new Error(`${heading} broke off after ${codes.length} of ${commands.length} commands:\n${output}`);
  return {ran: commands.map((command, index) => ({command, exitCode: codes[index] ?? -1})), output};
}

/** The commands that ended otherwise than with 0, for a comparison with the empty list. */
export function failed({ran, output}: PageRun): string[] {
  return ran.filter(({exitCode}) => exitCode !== 0).map(({command, exitCode}) => `${command} ended with ${exitCode}:\n${output}`);
}
