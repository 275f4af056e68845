import {execa, type Options} from 'execa';
import {Socket} from 'node:net';
import type {Readable} from 'node:stream';
import {StringDecoder} from 'node:string_decoder';
import {TimetilesError} from '../shared/errors.ts';

/** How long a child may take to clean up after SIGINT before it is killed: restic has to remove its lock. */
const interruptGraceSeconds = 60;
/** What a child leaves running may hold its output open long after its end; nothing that comes later is its own. */
const lingerMilliseconds = 2000;
/** Of a child's stderr the end matters for a message, and the beginning where a program breaks off with a long trace; more is not kept. */
const stderrHeadLength = 4096;
const stderrTailLength = 16_384;

/** When this process died before the child had asked for the signal, none will come: then such a child must not begin. */
const startUnlessOrphaned = '[ "$PPID" = "$0" ] && exec "$@"';

export interface CommandRequest {
  readonly file: string;
  readonly args: readonly string[];
  /** The child's whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  /** A text to write, an open file descriptor to inherit, or `pipe` to write later. Default: nothing. */
  readonly stdin?: {readonly text: string} | {readonly fd: number} | 'pipe';
  /** A descriptor to inherit, a stream to read, a receiver of lines or of the text as it comes, or by default the text in the result. */
  readonly stdout?: 'stream' | {readonly fd: number} | {readonly onLine: (line: string) => void} | {readonly onText: (text: string) => void};
  /** How text goes in and comes out; `latin1` keeps every byte. Default: utf8. */
  readonly encoding?: 'utf8' | 'latin1';
  readonly onStderrLine?: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** Seconds after which a child that should have answered long ago is ended; none for those that move data. */
  readonly limit?: number | undefined;
  /** Seconds between the interrupt and the kill of a child that does not end; default: a minute. */
  readonly grace?: number | undefined;
  /** The kernel sends the child SIGINT when this process dies, even by SIGKILL (setpriv of util-linux). */
  readonly interruptWhenOrphaned?: boolean;
  /** Beyond that, the child does not begin when this process died in the moment of starting it. For what locks others out: it costs a tenth of a second. */
  readonly neverOrphaned?: boolean;
}

export interface CommandResult {
  /** Undefined when a signal ended the child. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  /** The first 4 KiB of it and the last 16. */
  readonly stderr: string;
}

export interface RunningCommand {
  readonly pid: number;
  /** Resolves however the child ends; rejects only when the run was aborted, with the signal's reason. */
  readonly result: Promise<CommandResult>;
  /** Of a stdout opened with `stream`: the child waits while nobody reads. To be read to its end, or destroyed. */
  readonly output: Readable | undefined;
  /** Writes to a stdin opened with `pipe`. */
  write(text: string): void;
  closeInput(): void;
  /** Whether this process, when it has nothing else to do, waits for the child's end. It does unless told. */
  keepAlive(isWanted: boolean): void;
  /** Asks the child to end, SIGINT by default; it is killed when it has not ended after its grace. */
  stop(signalName?: NodeJS.Signals): void;
}

/**
 * Starts a child in a session of its own, so that Ctrl-C reaches it only by way of this tool, in order.
 * @throws TimetilesError `program-missing` when the program is not installed, `timeout` after the limit
 */
export function startCommand(request: CommandRequest): RunningCommand {
  request.signal?.throwIfAborted();
  const [file, args] = request.interruptWhenOrphaned
    ? ['setpriv', ['--pdeathsig', 'INT', '--', ...(request.neverOrphaned ? ['sh', '-c', startUnlessOrphaned, String(process.pid)] : []), request.file, ...request.args]]
    : [request.file, [...request.args]];
  const {stdin, stdout} = request;
  const timeout = request.limit === undefined ? undefined : AbortSignal.timeout(request.limit * 1000);
  const stops = [request.signal, timeout].filter((signal) => signal !== undefined);
  const options: Options = {
    cwd: request.cwd ?? '/',
    env: request.env,
    extendEnv: false,
    detached: true,
    reject: false,
    buffer: false,
    killSignal: 'SIGINT',
    forceKillAfterDelay: (request.grace ?? interruptGraceSeconds) * 1000,
    ...(stops.length > 0 && {cancelSignal: AbortSignal.any(stops)}),
    stdio: [
      stdin === undefined ? 'ignore' : typeof stdin === 'object' && 'fd' in stdin ? typedFd(stdin.fd) : 'pipe',
      typeof stdout === 'object' && 'fd' in stdout ? typedFd(stdout.fd) : 'pipe',
      'pipe',
    ],
  };
  const subprocess = execa(file, args, options);

  let captured = '';
  const stderr = keepEnds();
  const onText = typeof stdout === 'object' && 'onText' in stdout ? stdout.onText : undefined;
  const onStdout = typeof stdout === 'object' && 'onLine' in stdout ? splitLines(stdout.onLine) : undefined;
  const onStderr = request.onStderrLine ? splitLines(request.onStderrLine) : undefined;
  const decoder = new StringDecoder(request.encoding ?? 'utf8');
  if (stdout !== 'stream') subprocess.stdout?.on('data', (chunk: Buffer) => {
    if (onStdout) onStdout.push(chunk);
    else if (onText) onText(decoder.write(chunk));
    else captured += decoder.write(chunk);
  });
  subprocess.stderr?.on('data', (chunk: Buffer) => {
    onStderr?.push(chunk);
    stderr.push(chunk.toString('utf8'));
  });
  // A child that ends early closes its input; its exit code tells the story, not the EPIPE.
  subprocess.stdin?.on('error', () => undefined);
  if (typeof stdin === 'object' && 'text' in stdin) subprocess.stdin?.end(stdin.text, request.encoding ?? 'utf8');

  let linger: NodeJS.Timeout | undefined;
  subprocess.nodeChildProcess.once('exit', () => {
    linger = setTimeout(() => {
      // A stream of the caller's is read at his pace.
      if (stdout !== 'stream') subprocess.stdout?.destroy();
      subprocess.stderr?.destroy();
    }, lingerMilliseconds);
  });

  const finish = async (): Promise<CommandResult> => {
    const ended = await subprocess;
    clearTimeout(linger);
    if (ended.code === 'ENOENT' || ended.code === 'EACCES') throw missingProgram(file, ended.code);
    onStdout?.end();
    onStderr?.end();
    request.signal?.throwIfAborted();
    if (timeout?.aborted && request.limit !== undefined) throw timeoutError(request.file, request.limit);
    if (request.interruptWhenOrphaned && ended.exitCode === 127) throw missingProgram(request.file, 'ENOENT');
    return {exitCode: ended.exitCode, signal: ended.signal, stdout: captured, stderr: stderr.text()};
  };
  const result = finish();
  // The caller may look at the result late; until then a rejection is not "unhandled".
  result.catch(() => undefined);

  return {
    pid: subprocess.pid ?? -1,
    result,
    output: stdout === 'stream' ? (subprocess.stdout ?? undefined) : undefined,
    write: (text) => void subprocess.stdin?.write(text),
    closeInput: () => void subprocess.stdin?.end(),
    keepAlive(isWanted) {
      const {nodeChildProcess: child} = subprocess;
      const pipes = [child.stdin, child.stdout, child.stderr].filter((stream) => stream instanceof Socket);
      for (const part of [child, ...pipes]) part[isWanted ? 'ref' : 'unref']();
    },
    stop: (signalName = 'SIGINT') => void subprocess.kill(signalName),
  };
}

/** Starts a child and waits for its end. */
export function runCommand(request: CommandRequest): Promise<CommandResult> {
  return startCommand(request).result;
}

/** How a child ended, in words: `exit code 1` or `signal SIGKILL`. */
export function describeEnd(result: CommandResult): string {
  return result.signal === undefined ? `exit code ${result.exitCode ?? 'unknown'}` : `signal ${result.signal}`;
}

/** @param limit seconds */
export function timeoutError(file: string, limit: number): TimetilesError {
  return new TimetilesError('timeout', `${file} did not answer within ${limit} seconds`, 'See what keeps the host busy (uptime, df -h, docker info), then run the command again.');
}

/** execa's types know the descriptors 3 to 9 alone; Node, and so execa, takes any that is open. */
function typedFd(fd: number): 3 {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return fd as 3;
}

function missingProgram(file: string, code: string): TimetilesError {
  const packageName = {docker: 'docker.io (or docker-ce-cli)', setpriv: 'util-linux', flock: 'util-linux', mkfifo: 'coreutils', crontab: 'cron', xz: 'xz-utils'}[file] ?? file;
  return new TimetilesError(
    'program-missing',
    `the program ${file} cannot be started (${code})`,
    `Install it: apt-get install ${packageName}`,
  );
}

/** Collects a text of any length, of which the beginning and the end are kept. */
export function keepEnds() {
  let head = '';
  let tail = '';
  let isCut = false;
  return {
    push(text: string) {
      const taken = text.slice(0, stderrHeadLength - head.length);
      head += taken;
      tail += text.slice(taken.length);
      isCut ||= tail.length > stderrTailLength;
      tail = tail.slice(-stderrTailLength);
    },
    text: () => (isCut ? `${head}\n${tail}` : head + tail),
  };
}

function splitLines(onLine: (line: string) => void) {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return {
    push(chunk: Buffer) {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(onLine);
    },
    end() {
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
}
