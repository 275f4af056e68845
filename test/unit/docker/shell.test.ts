import {setTimeout as sleep} from 'node:timers/promises';
import {expect, it} from 'vitest';
import {openShell} from '../../../src/docker/shell.ts';
import {baseEnvironment} from '../../../src/process/environment.ts';
import {startCommand} from '../../../src/process/run.ts';
import {thrownBy} from '../support.ts';

const open = (file = 'sh', signal?: AbortSignal) => openShell((streams) => startCommand({...streams, file, args: [], env: baseEnvironment(), stdin: 'pipe', signal}));
const none = {environment: {}};

it('a shell gives each command its own input, output, errors, variables and exit code', async () => {
  const shell = open();
  const text = `'quoted' "$HOME" \`id\` \\n $(id)\nü`;
  expect(await shell.run({command: ['cat'], ...none, stdin: {text}})).toEqual({exitCode: 0, signal: undefined, stdout: `${text}\n`, stderr: ''});
  expect(await shell.run({command: ['cat'], ...none, stdin: {text: ''}})).toMatchObject({stdout: ''});
  expect(await shell.run({command: ['cat'], ...none})).toMatchObject({exitCode: 0, stdout: ''});
  const odd = `it's "two"\nlines $HOME \\`;
  expect(await shell.run({command: ['printenv', 'ODD'], environment: {ODD: odd}})).toMatchObject({stdout: `${odd}\n`});
  expect(await shell.run({command: ['printenv', 'ODD'], ...none})).toMatchObject({exitCode: 1});
  expect(await shell.run({command: ['sh', '-c', 'printf "%s|" "$@"; echo half >&2; exit 7', 'sh', odd, ''], ...none})).toEqual({exitCode: 7, signal: undefined, stdout: `${odd}||`, stderr: 'half\n'});
  expect(await shell.run({command: ['printf', 'a\n\nb\n\n'], ...none})).toMatchObject({stdout: 'a\n\nb\n\n', stderr: ''});
  expect(await shell.run({command: ['no such program'], ...none})).toMatchObject({exitCode: 127, stderr: expect.stringContaining('no such program')});
  expect(await shell.run({command: ['sh', '-c', 'kill -9 $$'], ...none})).toMatchObject({exitCode: 137});
  expect(shell.state()).toBe('idle');
});

it('a shell hands lines on as they are, of any number', async () => {
  const lines: string[] = [];
  const shell = open();
  expect(await shell.run({command: ['seq', '100000'], ...none, stdout: {onLine: (line) => lines.push(line)}})).toMatchObject({exitCode: 0, stdout: ''});
  expect([lines.length, lines[0], lines.at(-1)]).toEqual([100_000, '1', '100000']);
  lines.length = 0;
  await shell.run({command: ['printf', 'a\n\nb'], ...none, stdout: {onLine: (line) => lines.push(line)}});
  expect(lines).toEqual(['a', '', 'b']);
  const text = 'x'.repeat(1_000_000);
  expect((await shell.run({command: ['wc', '-c'], ...none, stdin: {text}}))?.stdout.trim()).toBe('1000001');
});

it('a command in a shell ends at its limit, and takes the shell with it', async () => {
  const shell = open();
  const error = await thrownBy(() => shell.run({command: ['sleep', '5'], ...none, limit: 0.2}));
  expect(error).toMatchObject({kind: 'timeout', message: 'docker did not answer within 0.2 seconds'});
  expect(shell.state()).toBe('ended');
  expect(await shell.run({command: ['true'], ...none})).toBeUndefined();
});

it('a shell that is killed under a command tells so, with what the command wrote', async () => {
  const shell = open();
  const running = shell.run({command: ['sh', '-c', 'echo out; echo err >&2; sleep 0.2; kill -9 $PPID'], ...none});
  expect(shell.state()).toBe('busy');
  expect(await running).toEqual({exitCode: undefined, signal: 'SIGKILL', stdout: 'out', stderr: 'err'});
});

it('a program that is no shell has begun nothing', async () => {
  expect(await open('false').run({command: ['true'], ...none})).toBeUndefined();
});

it('a run that is aborted ends its shell', async () => {
  const abort = new AbortController();
  // Like the docker program, and other than a shell with a child, it ends of the signal at once.
  const shell = open('cat', abort.signal);
  const running = shell.run({command: ['true'], ...none});
  running.catch(() => undefined);
  await sleep(50);
  abort.abort(new Error('stopped'));
  await expect(running).rejects.toThrow('stopped');
});
