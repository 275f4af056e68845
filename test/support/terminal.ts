import {randomBytes} from 'node:crypto';
import {readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';
import {checkout} from './paths.ts';
import {toolEnvironment, type TimetilesOptions} from './cli.ts';
import {waitUntil} from './processes.ts';
import type {Stack} from './stack.ts';

/** The tool on a terminal, of 120 by 40 unless told, as a person at a keyboard meets it. */
export interface Terminal {
  /** Types text as it is. */
  type(text: string): Promise<void>;
  /** Presses keys by tmux's names: `Enter`, `Down`, `C-c`, `Escape`. */
  press(...keys: string[]): Promise<void>;
  /** What the screen shows, with what has scrolled away above it. */
  screen(): Promise<string>;
  /** Waits until the screen shows this, and hands it back; throws with the screen when it never does. */
  waitFor(pattern: RegExp | string, limitSeconds?: number): Promise<string>;
  /** Waits for the tool's end. */
  exitCode(limitSeconds?: number): Promise<number>;
  /** What the tool has left the terminal like: `usualCondition` is how it was. */
  condition(): Promise<string>;
  close(): Promise<void>;
}

/** As a terminal is before and after a tool that cleans up. */
export const usualCondition = 'icanon echo cursor 1 alternate 0';

/** Starts the built tool on a terminal of its own, through a private tmux. */
export async function openTerminal(
  args: string[],
  options: Pick<TimetilesOptions, 'restic' | 'env' | 'cwd'> & {stack: Stack; size?: readonly [columns: number, rows: number]},
): Promise<Terminal> {
  const {stack, cwd = stack.scratch, size} = options;
  return openProgram([process.execPath, join(checkout, 'bin', 'run.js'), ...args], {scratch: stack.scratch, environment: toolEnvironment(options), cwd, ...(size && {size})});
}

/** The same for any program, such as a shell. Its files go to the scratch directory. */
export async function openProgram(
  program: readonly string[],
  options: {scratch: string; environment: Record<string, string>; cwd: string; size?: readonly [columns: number, rows: number]},
): Promise<Terminal> {
  const id = join(options.scratch, `terminal-${randomBytes(3).toString('hex')}`);
  // A socket's path may hold 107 bytes at most, which a checkout's easily exceeds.
  const socket = `/tmp/timetiles-tmux-${randomBytes(6).toString('hex')}`;
  const tmux = (...words: string[]) => execa('tmux', ['-S', socket, '-f', '/dev/null', ...words], {env: {TMUX: undefined}});
  const command = ['env', '-i', ...Object.entries(options.environment).map(([key, value]) => `${key}=${value}`)];
  const words = [...command, ...program].map(quote).join(' ');
  // Ctrl-C reaches the shell too, which must live to tell the exit code.
  await writeFile(`${id}.sh`, `trap : INT\n${words}\necho $? >${quote(`${id}.part`)}\nstty -a >${quote(`${id}.stty`)}\nmv ${quote(`${id}.part`)} ${quote(`${id}.exit`)}\nsleep 600\n`, {mode: 0o600});
  const [columns, rows] = options.size ?? [120, 40];
  await tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), '-c', options.cwd, `sh ${quote(`${id}.sh`)}`);
  const screen = async () => (await tmux('capture-pane', '-p', '-J', '-S', '-', '-t', ':')).stdout.trimEnd();
  const never = async (what: string) => new Error(`The terminal did not ${what}. It shows:\n${await screen()}`);
  return {
    type: async (text) => void (await tmux('send-keys', '-l', '--', text)),
    press: async (...keys) => void (await tmux('send-keys', '--', ...keys)),
    screen,
    waitFor: async (pattern, limitSeconds = 30) => {
      const shows = (text: string) => (typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text));
      if (await waitUntil(async () => shows(await screen()), limitSeconds * 1000, 100)) return screen();
      throw await never(`show ${pattern}`);
    },
    exitCode: async (limitSeconds = 60) => {
      const read = () => readFile(`${id}.exit`, 'utf8').catch(() => undefined);
      if (await waitUntil(async () => (await read()) !== undefined, limitSeconds * 1000)) return Number(await read());
      throw await never('come to an end');
    },
    condition: async () => {
      const modes = (await readFile(`${id}.stty`, 'utf8')).split(/\s+/).filter((word) => /^-?(icanon|echo);?$/.test(word));
      const {stdout} = await tmux('display-message', '-p', '-t', ':', 'cursor #{cursor_flag} alternate #{alternate_on}');
      return [...modes, stdout].join(' ');
    },
    close: async () => {
      await tmux('kill-server').catch(() => {});
      await rm(socket, {force: true});
    },
  };
}

/** A word as a shell reads it back. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
