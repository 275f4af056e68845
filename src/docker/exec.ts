import {startCommand, type CommandRequest, type CommandResult, type RunningCommand} from '../process/run.ts';
import type {DockerHandle} from './client.ts';
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

/** Runs a command in a container to its end. */
export function runExec(docker: DockerHandle, request: ExecRequest): Promise<CommandResult> {
  return startExec(docker, request).result;
}
