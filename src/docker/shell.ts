import {randomBytes} from 'node:crypto';
import {keepEnds, timeoutError, type CommandRequest, type CommandResult, type RunningCommand} from '../process/run.ts';
import {shellWord} from '../shared/format.ts';

/** What to run in a shell that is open. */
export interface ShellRequest {
  readonly command: readonly string[];
  /** Beside the shell's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** Default: nothing. A last line gets its end where it has none. */
  readonly stdin?: {readonly text: string};
  /** A receiver of lines, or by default the text in the result. */
  readonly stdout?: {readonly onLine: (line: string) => void};
  /** Seconds. */
  readonly limit?: number | undefined;
}

/** A shell that stays open and runs one command after another. */
export interface Shell {
  state(): 'idle' | 'busy' | 'ended';
  /**
   * Runs a command as a child of the shell, which has to be idle.
   * @returns undefined when the shell had ended before the command began
   * @throws TimetilesError `timeout` after the limit, which ends the shell too
   */
  run(request: ShellRequest): Promise<CommandResult | undefined>;
}

/** What a command writes, in lines; the last one may have no end. */
type Receiver = (line: string, end: '\n' | '') => void;

interface Work {
  readonly onStdout: Receiver;
  readonly onStderr: Receiver;
  readonly onExit: (exitCode: number) => void;
  hasBegun: boolean;
  exitCode: number | undefined;
  isStderrAtEnd: boolean;
}

/** A shell without work stays in the container for no longer than this. */
const idleMilliseconds = 10_000;

/**
 * Opens a shell, so that what costs much to start, as `docker exec` does, is paid once and not for each command. When
 * this process ends, so does the shell: its input is closed.
 * @param start starts a `sh` that reads its script from stdin, a pipe
 */
export function openShell(start: (streams: Pick<CommandRequest, 'stdout' | 'onStderrLine'>) => RunningCommand): Shell {
  const token = randomBytes(16).toString('hex');
  let work: Work | undefined;
  let isOpen = true;
  let idle: NodeJS.Timeout | undefined;
  const note = (facts: Partial<Pick<Work, 'hasBegun' | 'exitCode' | 'isStderrAtEnd'>>) => {
    if (!work) return;
    Object.assign(work, facts);
    if (work.exitCode !== undefined && work.isStderrAtEnd) work.onExit(work.exitCode);
  };
  const fromStdout = untilMark(token, (...line) => work?.onStdout(...line), (said) => note(said === 'begin' ? {hasBegun: true} : {exitCode: Number(said)}));
  const fromStderr = untilMark(token, (...line) => work?.onStderr(...line), () => note({isStderrAtEnd: true}));
  const shell = start({stdout: {onLine: (line) => fromStdout.push(line)}, onStderrLine: (line) => fromStderr.push(line)});
  const ended = shell.result.finally(() => {
    isOpen = false;
    clearTimeout(idle);
    fromStdout.end();
    fromStderr.end();
  });
  ended.catch(() => undefined);

  const close = () => {
    isOpen = false;
    shell.closeInput();
  };
  return {
    state: () => (work ? 'busy' : isOpen ? 'idle' : 'ended'),
    async run(request) {
      if (!isOpen) return undefined;
      const stderr = keepEnds();
      let stdout = '';
      const {promise: exited, resolve, reject} = Promise.withResolvers<CommandResult>();
      const {onLine: receiver} = request.stdout ?? {};
      const now: Work = {
        onStdout: (line, end) => (receiver ? receiver(line) : void (stdout += line + end)),
        onStderr: (line, end) => stderr.push(line + end),
        onExit: (code) => resolve({exitCode: code, signal: undefined, stdout, stderr: stderr.text()}),
        hasBegun: false,
        exitCode: undefined,
        isStderrAtEnd: false,
      };
      work = now;
      clearTimeout(idle);
      shell.keepAlive(true);
      const overdue = (seconds: number) => {
        isOpen = false;
        shell.stop('SIGKILL');
        reject(timeoutError('docker', seconds));
      };
      const limit = request.limit === undefined ? undefined : setTimeout(overdue, request.limit * 1000, request.limit);
      try {
        shell.write(scriptOf(request, token));
        const result = await Promise.race([exited, ended.then((end) => ({...end, stdout, stderr: stderr.text()}))]);
        return isOpen || now.hasBegun ? result : undefined;
      } finally {
        clearTimeout(limit);
        work = undefined;
        // An idle shell does not keep this process from its end.
        shell.keepAlive(false);
        if (isOpen) idle = setTimeout(close, idleMilliseconds).unref();
      }
    },
  };
}

/** The command between two marks on stdout, and before one on stderr. Values travel on the shell's stdin and never in an argv. Pure. */
function scriptOf({command, environment, stdin}: ShellRequest, token: string): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${shellWord(value)}; export ${name}; `).join('');
  const text = stdin && stdin.text !== '' && !stdin.text.endsWith('\n') ? `${stdin.text}\n` : stdin?.text;
  const input = text === undefined ? '</dev/null' : `<<'${token}'\n${text}${token}`;
  return `echo '${token} begin'\n(${variables}exec ${command.map(shellWord).join(' ')}) ${input}\nprintf '\\n%s %s\\n' '${token}' $?; printf '\\n%s\\n' '${token}' >&2\n`;
}

/** Tells the lines of a command from the marks between commands. The line break before a mark belongs to the mark. */
function untilMark(token: string, onLine: Receiver, onMark: (said: string) => void) {
  let held: string | undefined;
  const end = () => {
    if (held !== undefined && held !== '') onLine(held, '');
    held = undefined;
  };
  return {
    push(line: string) {
      if (line.startsWith(token)) {
        end();
        onMark(line.slice(token.length + 1));
        return;
      }
      if (held !== undefined) onLine(held, '\n');
      held = line;
    },
    end,
  };
}
