import {startCommand, type CommandRequest, type CommandResult, type RunningCommand} from '../process/run.ts';
import type {DockerHandle} from './client.ts';
import {openShell, type Shell, type ShellRequest} from './shell.ts';
import {watchContainer} from './watch.ts';

/** Seconds that the docker program gets to end: it has nothing to clean up. */
const grace = 5;

export interface ExecRequest extends Pick<CommandRequest, 'stdin' | 'stdout' | 'onStderrLine' | 'signal' | 'limit'> {
  readonly container: string;
  readonly command: readonly string[];
  /** The user in the container, by name or id; default: the one that the image names. */
  readonly user?: string | undefined;
  /** Variables for the command. Their values travel in the docker program's environment, never in an argv. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The argv of `docker exec`: variables by name alone, so that docker takes their values from its own environment. */
export function execArgs(request: Pick<ExecRequest, 'container' | 'command' | 'environment' | 'stdin' | 'user'>): string[] {
  return [
    'exec',
    ...(request.stdin === undefined ? [] : ['--interactive']),
    ...(request.user === undefined ? [] : ['--user', request.user]),
    ...Object.keys(request.environment).flatMap((name) => ['--env', name]),
    request.container,
    ...request.command,
  ];
}

/**
 * Starts a command in a running container by way of the docker program, whose standard streams may be kernel pipes:
 * dockerode would copy every byte through this process, without back-pressure. It is given up when container or engine are lost.
 * @throws TimetilesError in its result: `container` or `docker`
 */
export function startExec(docker: DockerHandle, request: ExecRequest): RunningCommand {
  const {container, command: _, user: __, environment, signal = docker.signal, ...streams} = request;
  const lost = new AbortController();
  const running = startCommand({
    ...streams,
    file: 'docker',
    args: execArgs(request),
    env: {...docker.environment, ...environment},
    signal: signal ? AbortSignal.any([signal, lost.signal]) : lost.signal,
    grace,
  });
  const done = new AbortController();
  const onEnd = () => done.abort();
  running.result.then(onEnd, onEnd);
  void watchContainer(docker, container, done.signal, (trouble) => lost.abort(trouble));
  return running;
}

/** What a command that ends soon may have: its streams are texts. */
export type ShortExecRequest = Pick<ExecRequest, 'container' | 'user'> & ShellRequest;

/** The shells that are open in containers, for as long as the engine's handle is used. */
const shells = new WeakMap<DockerHandle, Map<string, Shell[]>>();

/**
 * Runs a command in a container to its end: in a shell that stays open there, since `docker exec` takes a tenth of a second
 * of both cores for each command, and one command of this tool asks a database up to a hundred questions.
 */
export async function runExec(docker: DockerHandle, request: ShortExecRequest): Promise<CommandResult> {
  docker.signal?.throwIfAborted();
  const result = await idleShell(docker, request).run(request);
  // The container has no shell, or was stopped or restarted since; then docker's own answer is the right one.
  return result ?? startExec(docker, request).result;
}

function idleShell(docker: DockerHandle, {container, user}: ShortExecRequest): Shell {
  const open = shells.get(docker) ?? new Map<string, Shell[]>();
  shells.set(docker, open);
  const key = JSON.stringify([container, user]);
  const living = (open.get(key) ?? []).filter((shell) => shell.state() !== 'ended');
  const request = {container, user, command: ['sh'], environment: {}, stdin: 'pipe'} as const;
  const shell = living.find((one) => one.state() === 'idle') ?? openShell((streams) => startExec(docker, {...request, ...streams}));
  open.set(key, [...living.filter((one) => one !== shell), shell]);
  return shell;
}
