import {spawn} from 'node:child_process';
import {once} from 'node:events';
import type {Stack} from './stack.ts';

/** What sessions of an app came to. */
interface AppTimes {
  /** How long each statement took, in milliseconds. */
  statements: number[];
  /** What PostgreSQL refused. */
  errors: string[];
}

/** An app that works until it is told to stop. */
export interface RunningApp {
  /** What was finished so far. */
  times(): AppTimes;
  stop(): Promise<AppTimes>;
}

/** So often each session repeats its statements, at most. */
const rounds = 20_000;

/** Starts sessions, each of which repeats its statements with a pause after each round. */
export function startApp(stack: Stack, sessions: readonly (readonly string[])[], pauseSeconds = 0.05): RunningApp {
  const times: AppTimes = {statements: [], errors: []};
  const running = sessions.map((statements) => startSession(stack, times, `${statements.join('\n')}\n\\timing off\nselect pg_sleep(${pauseSeconds});\n\\timing on\n`));
  return {
    times: () => times,
    async stop() {
      const finished = {statements: [...times.statements], errors: [...times.errors]};
      for (const {stdin} of running) stdin.destroy();
      await stack.psql(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'app under load'`);
      await Promise.all(running.map(({closed}) => closed));
      return finished;
    },
  };
}

function startSession(stack: Stack, times: AppTimes, round: string) {
  const args = [
    'exec', '--interactive', '--env', `PGUSER=${stack.user}`, '--env', `PGPASSWORD=${stack.password}`, '--env', `PGDATABASE=${stack.database}`,
    '--env', 'PGAPPNAME=app under load', stack.postgres, 'psql', '-X', '-q', '-o', '/dev/null',
  ];
  const child = spawn('docker', args, {env: {...process.env, DOCKER_HOST: stack.bench.dockerHost}, stdio: ['pipe', 'pipe', 'pipe']});
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const milliseconds = /^Time: ([\d.]+) ms/.exec(line)?.[1];
      if (milliseconds !== undefined) times.statements.push(Number(milliseconds));
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => times.errors.push(...text.split('\n').filter((line) => line.includes('ERROR:'))));
  child.stdin.on('error', () => undefined);
  child.stdin.write(`\\timing on\n${round}`);
  let written = 1;
  const feed = () => {
    // The pipe takes so much at a time, and tells when it wants more.
    while (written < rounds && child.stdin.writable && child.stdin.write(round)) written += 1;
  };
  child.stdin.on('drain', feed);
  feed();
  return {stdin: child.stdin, closed: once(child, 'close')};
}

/** The largest of the smallest `share` of values. */
export function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
}
