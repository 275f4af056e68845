import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {execa} from 'execa';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {z} from 'zod';
import {timetiles, toolEnvironment} from '../support/cli.ts';
import {growDatabase} from '../support/dataset.ts';
import {checkout} from '../support/paths.ts';
import {waitUntil} from '../support/processes.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';
import {program, succeed} from './support.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await makeCheapRepository(stack);
  writeFileSync(join(stack.uploadsPath, 'photo.jpg'), 'a photo');
  await stack.writeConfig();
  await succeed(['backup'], stack);
});
afterAll(() => stack.stop());
beforeEach(() => stack.writeConfig());

describe('help', () => {
  const manifest = z.object({commands: z.record(z.string(), z.unknown())});
  const commands = () => Object.keys(manifest.parse(JSON.parse(readFileSync(join(checkout, 'oclif.manifest.json'), 'utf8'))).commands).map((id) => id.split(':'));

  it('of every command has examples and exit codes, and needs no configuration', async () => {
    expect(commands().length).toBeGreaterThanOrEqual(6);
    for (const command of commands()) {
      const result = await timetiles([...command, '--help']);
      expect(result).toMatchObject({exitCode: 0, stderr: ''});
      expect(result.stdout).toMatch(new RegExp(`EXAMPLES\\n {2}\\$ timetiles ${command.join(' ')}`));
      expect(result.stdout).toMatch(/Exit codes: 0/);
      for (const flag of ['--json', '--config=FILE', '--quiet']) expect(result.stdout).toContain(flag);
    }
  });

  it.each([[[]], [['--help']], [['-h']], [['help']]])('is what timetiles %j prints', async (args) => {
    const result = await timetiles(args);
    expect(result).toMatchObject({exitCode: 0, stderr: ''});
    for (const word of ['backup', 'backup list', 'backup verify', 'restore', 'doctor', 'USAGE']) expect(result.stdout).toContain(word);
  });

  it('is also asked for by help COMMAND', async () => {
    expect((await timetiles(['help', 'backup', 'db'])).stdout).toBe((await timetiles(['backup', 'db', '--help'])).stdout);
  });
});

it('--version tells version and platform', async () => {
  const {version} = z.object({version: z.string()}).parse(JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')));
  expect(await timetiles(['--version'])).toMatchObject({exitCode: 0, stderr: '', stdout: `timetiles/${version} linux-${process.arch} node-${process.version}\n`});
});

it('an old Node is named', async () => {
  const pretend = 'data:text/javascript,Object.defineProperty(process.versions, "node", {value: "22.12.0"})';
  const result = await execa(process.execPath, ['--import', pretend, program, 'doctor'], {reject: false});
  expect(result).toMatchObject({exitCode: 1, stderr: 'Error: timetiles needs Node 22.13 or newer; this is 22.12.0.\nInstall a newer Node.js.'});
});

describe('--quiet', () => {
  it.each([
    [['backup'], /^Set \S+ is complete\.\n/],
    [['restore', 'latest', '--yes'], /^Restored db and uploads from set /],
  ])('leaves the result of %j', async (args, result) => {
    const loud = await timetiles(args, {stack});
    expect(loud).toMatchObject({exitCode: 0, stdout: expect.stringMatching(result)});
    expect(loud.stderr).not.toBe('');
    expect(await timetiles([...args, '--quiet'], {stack})).toMatchObject({exitCode: 0, stderr: '', stdout: expect.stringMatching(result)});
  });

  it('leaves warnings', async () => {
    await stack.writeConfig({RESTORE_STOP_SERVICES: 'nobody'});
    const result = await timetiles(['restore', 'latest', '--dry-run', '--quiet'], {stack});
    expect(result.stderr).toBe('warning: RESTORE_STOP_SERVICES names services that do not run: nobody\n');
  });
});

it.each([
  [['backup', '--json']],
  [['backup', 'list', '--json']],
  [['restore', 'latest', '--yes', '--json']],
  [['restore', 'latest', '--dry-run', '--json']],
  [['doctor', '--json']],
])('%j prints one document and nothing else on stdout, and no colours anywhere', async (args) => {
  const result = await timetiles(args, {stack});
  expect(result.exitCode).toBe(0);
  expect(typeof result.json()).toBe('object');
  expect(result.stdout + result.stderr).not.toContain('\u001B');
});

describe('on a terminal', () => {
  /** Everything that is written to a terminal of its own, until Ctrl-C is pressed at the text `end`, or the end. */
  async function written(args: string[], env: Record<string, string>, end?: string): Promise<string> {
    const quoted = [process.execPath, program, ...args].map((word) => `'${word}'`).join(' ');
    const child = execa('script', ['-qefc', quoted, '/dev/null'], {env: {...toolEnvironment({stack}), ...env}, extendEnv: false, reject: false, stdin: 'pipe'});
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    if (end !== undefined) {
      if (!(await waitUntil(() => output.includes(end), 30_000))) throw new Error(`${end} is not in ${output}`);
      child.stdin.write('\u0003');
    }
    await child;
    return output;
  }

  const colours = Array.from({length: 8}, (_, number) => `\u001B[3${number}m`);

  it('NO_COLOR keeps colours out of messages and prompts', async () => {
    await stack.writeConfig({RESTORE_STOP_SERVICES: 'nobody'});
    const coloured = await written(['restore', 'latest'], {}, 'Replace the live data?');
    expect(coloured).toContain('\u001B[33mwarning:');
    const plain = await written(['restore', 'latest'], {NO_COLOR: '1'}, 'Replace the live data?');
    expect(plain).toContain('warning: RESTORE_STOP_SERVICES');
    expect(plain).toContain('Replace the live data?');
    expect(colours.filter((colour) => plain.includes(colour))).toEqual([]);
  });

  it('progress is drawn, and not with --quiet', async () => {
    await growDatabase(stack, 60);
    const drawing = '\r\u001B[Kdb: ';
    expect(await written(['backup'], {})).toContain(drawing);
    expect(await written(['backup', '--quiet'], {})).not.toContain(drawing);
  });
});

it('ends quietly when the reader of its output is gone', async () => {
  const reader = `'${process.execPath}' '${program}' backup list | true; echo "$\{PIPESTATUS[0]}"`;
  const result = await execa('bash', ['-c', reader], {env: toolEnvironment({stack}), extendEnv: false});
  expect(result).toMatchObject({stderr: '', stdout: '0'});
});
