import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {dirname, join} from 'node:path';
import type {Writable} from 'node:stream';
import {defaultRepository} from '../../src/config/home.ts';
import {peekRepository} from '../../src/config/peek.ts';
import {underHostName} from './other-host.ts';
import {checkout, scratchDirectory} from './paths.ts';
import type {ResticAge} from './restic.ts';
import type {Stack} from './stack.ts';

/** How to run the tool; without a stack it has neither installation directory nor restic. */
export interface TimetilesOptions {
  stack?: Stack;
  /** The newest unless told. */
  restic?: ResticAge;
  /** Added to what the tool gets; `undefined` takes a variable away. */
  env?: Record<string, string | undefined>;
  input?: string;
  cwd?: string;
  /** What the host calls itself; as it does, unless told. */
  hostName?: string;
  /** Kills the tool with all its children. */
  signal?: AbortSignal;
  /** The same after this time, so that no test hangs: 110 unless told. */
  limitSeconds?: number;
}

/** What a run of the tool came to. */
export interface TimetilesResult {
  /** As a shell would show it: 128 and the signal's number when a signal ended it. */
  exitCode: number;
  stdout: string;
  stderr: string;
  /** The one document on stdout. */
  json(): ReturnType<typeof JSON.parse>;
}

/** The tool while it runs. */
export interface RunningTimetiles {
  pid: number;
  stdin: Writable;
  output(): {stdout: string; stderr: string};
  /** A signal to the tool's own process, as `kill PID` sends it; its children do not get it. */
  kill(signal: NodeJS.Signals): void;
  /** A signal to the tool and its children together, as Ctrl-C on a terminal sends it. */
  killGroup(signal: NodeJS.Signals): void;
  /** Resolves when the tool's own process is gone, whatever its children do. */
  exited: Promise<number>;
  /** Resolves when its output is closed too, which a child that outlives it holds open. */
  result: Promise<TimetilesResult>;
}

const program = join(checkout, 'bin', 'run.js');
const signalNumbers: Partial<Record<NodeJS.Signals, number>> = {SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGPIPE: 13, SIGTERM: 15};

/** Runs the built tool to its end. Any exit code is an answer; only a run without end is an error. */
export async function timetiles(args: string[], options: TimetilesOptions = {}): Promise<TimetilesResult> {
  const running = startTimetiles(args, options);
  running.stdin.end(options.input ?? '');
  const limit = AbortSignal.timeout((options.limitSeconds ?? 110) * 1000);
  const end = AbortSignal.any([limit, ...(options.signal ? [options.signal] : [])]);
  const onEnd = () => running.killGroup('SIGKILL');
  end.addEventListener('abort', onEnd);
  if (end.aborted) onEnd();
  try {
    const result = await running.result;
    if (limit.aborted) {
      throw new Error(`timetiles ${args.join(' ')} did not end in time.\n${result.stdout}${result.stderr}`);
    }
    return result;
  } finally {
    end.removeEventListener('abort', onEnd);
  }
}

/** Demands an exit code, and shows what the tool said when it is another. */
export function expectExit(result: Pick<TimetilesResult, 'exitCode' | 'stdout' | 'stderr'>, exitCode: number): void {
  if (result.exitCode === exitCode) return;
  throw new Error(`timetiles ended with ${result.exitCode}, not ${exitCode}:\n${result.stdout}${result.stderr}`);
}

/** Starts the built tool and hands it over, for tests that kill it, interrupt it or look at it while it runs. */
export function startTimetiles(args: string[], options: TimetilesOptions = {}): RunningTimetiles {
  const command = [process.execPath, program, ...args];
  const [file = '', ...rest] = options.hostName === undefined ? command : underHostName(options.hostName, command);
  const child = spawn(file, rest, {
    // A process group of its own makes `killGroup` possible.
    detached: true,
    cwd: options.cwd ?? options.stack?.scratch ?? checkout,
    env: toolEnvironment(options),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output = {stdout: '', stderr: ''};
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  // The tool may end before it has read everything.
  child.stdin.on('error', () => {});
  const pid = child.pid ?? 0;
  const code = (number: number | null, signal: NodeJS.Signals | null) => number ?? 128 + (signalNumbers[signal ?? 'SIGHUP'] ?? 0);
  const exited = once(child, 'exit').then(([number, signal]) => code(number, signal));
  const result = once(child, 'close').then(([number, signal]) => ({
    exitCode: code(number, signal),
    ...output,
    json: () => parse(output),
  }));
  // Whoever only wants one of the two must not be told of the other's failure.
  exited.catch(() => {});
  result.catch(() => {});
  return {
    pid,
    stdin: child.stdin,
    output: () => ({...output}),
    kill: (signal) => void child.kill(signal),
    killGroup: (signal) => sendToGroup(pid, signal),
    exited,
    result,
  };
}

/** The tool's environment: nothing of the machine's own but where programs are. */
export function toolEnvironment(options: Pick<TimetilesOptions, 'stack' | 'restic' | 'env'>): Record<string, string> {
  const {stack} = options;
  const path = process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin';
  const all: Record<string, string | undefined> = {LANG: 'C.UTF-8', TERM: 'xterm-256color', PATH: path, LOG_DIR: join(stack?.scratch ?? scratchDirectory, 'log')};
  if (stack) {
    const restic = stack.bench.restic[options.restic ?? 'newest'];
    all['PATH'] = `${dirname(restic)}:${path}`;
    all['HOME'] = stack.userHome;
    all['TIMETILES_HOME'] = stack.home;
    all['DOCKER_HOST'] = stack.bench.dockerHost;
  }
  const given = Object.entries({...all, ...options.env});
  const environment = Object.fromEntries(given.filter((entry): entry is [string, string] => entry[1] !== undefined));
  // Where a repository is by default, this machine may have one of its own, which no test shall write to.
  const isDefault = stack !== undefined && peekRepository({environment}) === defaultRepository;
  return isDefault ? {...environment, RESTIC_REPOSITORY: join(stack.scratch, 'default-repository')} : environment;
}

function sendToGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // It may have ended meanwhile.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function parse(output: {stdout: string; stderr: string}): ReturnType<typeof JSON.parse> {
  try {
    return JSON.parse(output.stdout);
  } catch (error) {
    throw new Error(`stdout is not one JSON document:\n${output.stdout}\nstderr:\n${output.stderr}`, {cause: error});
  }
}
