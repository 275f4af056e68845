import {startCommand, type CommandRequest, type CommandResult, type RunningCommand} from '../process/run.ts';
import type {DockerHandle} from './client.ts';

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
 * dockerode would copy every byte through this process, without back-pressure.
 */
export function startExec(docker: DockerHandle, request: ExecRequest): RunningCommand {
  const {container: _, command: __, user: ___, environment, ...streams} = request;
  return startCommand({signal: docker.signal, ...streams, file: 'docker', args: execArgs(request), env: {...docker.environment, ...environment}});
}

/** Runs a command in a container to its end. */
export function runExec(docker: DockerHandle, request: ExecRequest): Promise<CommandResult> {
  return startExec(docker, request).result;
}
