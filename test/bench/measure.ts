import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';

/** What one run of a command took. */
export interface Measured {
  seconds: number;
  /** The largest resident memory of the process itself, without its children, in MiB; 0 where it was not watched. */
  peakMiB: number;
}

export interface MeasuredCommand {
  file: string;
  args: string[];
  env: Record<string, string>;
  cwd?: string;
  /** The exit codes of a good end: 0 alone unless told. Some commands answer a question by theirs. */
  goodEnds?: number[];
}

/** Runs a command to its good end and takes the time; any other end is an error. */
export async function measure(command: MeasuredCommand): Promise<Measured> {
  const begin = process.hrtime.bigint();
  const child = spawn(command.file, command.args, {env: command.env, cwd: command.cwd, stdio: ['ignore', 'ignore', 'pipe']});
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  let peakMiB = 0;
  const watch = setInterval(() => (peakMiB = Math.max(peakMiB, peakOf(child.pid ?? 0))), 50);
  const [code] = await once(child, 'close');
  clearInterval(watch);
  if (!(command.goodEnds ?? [0]).includes(code)) throw new Error(`${command.file} ${command.args.join(' ')} ended with ${String(code)}:\n${stderr}`);
  return {seconds: Number(process.hrtime.bigint() - begin) / 1e9, peakMiB};
}

/** VmHWM of proc(5) is a peak already, so looking now and then misses nothing but the last moment. */
function peakOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
