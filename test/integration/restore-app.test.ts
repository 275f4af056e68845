import {mkdir, rmdir} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {connectDocker} from '../../src/docker/client.ts';
import {waitUntilHealthy} from '../../src/docker/lifecycle.ts';
import {expectExit, timetiles} from '../support/cli.ts';
import {imageFor} from '../support/images.ts';
import {signalAt} from '../support/kill-restore.ts';
import {leftovers} from '../support/leftovers.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {backUp, changeStack, errorOf, fillStack, restore, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

describe('the app around a restore', () => {
  let stack: Stack;
  let set: string;
  let after: State;

  beforeAll(async () => {
    stack = await startStack(useBench(), {web: 3});
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await fillStack(stack);
    ({set} = await backUp(stack, 'newest'));
    after = await stateOf(stack);
  });

  afterAll(() => stack?.stop());

  const inspect = async (container: string, format: string) => (await stack.docker(['inspect', '--format', format, container])).stdout.trim();
  const startedAt = (container: string) => inspect(container, '{{.State.StartedAt}}');
  const isRunning = async (container: string) => (await inspect(container, '{{.State.Running}}')) === 'true';
  const webNumber = (number: number) => `${stack.project}-web-${number}`;

  /** Starts a container that does nothing but run, with the labels of a service of the project or with none. */
  async function runIdle(name: string, options: {service?: string; args?: string[]; health?: string[]}): Promise<string> {
    const container = `${stack.project}-${name}`;
    const labels = options.service === undefined ? [] : [`com.docker.compose.project=${stack.project}`, `com.docker.compose.service=${options.service}`];
    await stack.docker([
      'run', '--detach', '--init', '--name', container, '--network', 'none', '--entrypoint', 'sleep',
      ...labels.flatMap((label) => ['--label', label]), ...(options.health ?? ['--no-healthcheck']), ...(options.args ?? []), await imageFor(stack.bench.dockerHost, 'web'), '600',
    ]);
    return container;
  }

  it('starts again what ran before, and leaves stopped what was stopped', async () => {
    await stack.docker(['stop', webNumber(3)]);
    await changeStack(stack, 'one is stopped');
    const report = await restore(stack, 'newest', [set, '--no-safety-backup']);
    expect(report.restarted.toSorted()).toEqual([webNumber(1), webNumber(2)]);
    expect(await stack.states()).toEqual(['postgres running', 'web exited', 'web running', 'web running']);
    expect(await stateOf(stack)).toEqual(after);
    await stack.docker(['start', webNumber(3)]);
    await stack.waitHealthy();
  });

  it('never stops postgres', async () => {
    const begun = await startedAt(stack.postgres);
    await changeStack(stack, 'postgres stays');
    await restore(stack, 'newest', [set, '--no-safety-backup']);
    expect(await startedAt(stack.postgres)).toBe(begun);
  });

  it('stops the services of RESTORE_STOP_SERVICES alone, and whoever holds the uploads open', async () => {
    const worker = await runIdle('worker', {service: 'worker'});
    const mailer = await runIdle('mailer', {service: 'mailer'});
    await stack.writeConfig({RESTORE_STOP_SERVICES: 'worker'});
    const [ofWorker, ofMailer] = [await startedAt(worker), await startedAt(mailer)];
    await changeStack(stack, 'some services');
    const report = await restore(stack, 'newest', [set, '--no-safety-backup']);
    expect(report.restarted.toSorted()).toEqual([webNumber(1), webNumber(2), webNumber(3), worker]);
    expect(await startedAt(worker)).not.toBe(ofWorker);
    expect(await startedAt(mailer)).toBe(ofMailer);
    // The database alone holds nobody up.
    expect((await restore(stack, 'newest', [set, '--no-safety-backup', '--only', 'db'])).restarted).toEqual([worker]);
    await stack.writeConfig();
    await stack.docker(['rm', '--force', worker, mailer]);
  });

  it('stops and starts a container of another project that mounts the volume', async () => {
    const stranger = await runIdle('stranger', {args: ['--mount', `type=volume,source=${stack.uploadsVolume ?? ''},target=/data,readonly`]});
    const begun = await startedAt(stranger);
    await changeStack(stack, 'a stranger looks on');
    const {restarted} = await restore(stack, 'newest', [set, '--no-safety-backup']);
    expect(restarted).toContain(stranger);
    expect(await isRunning(stranger)).toBe(true);
    expect(await startedAt(stranger)).not.toBe(begun);
    // It sees the restored files and not the ones that were swapped away.
    expect((await stack.docker(['exec', stranger, 'cat', '/data/marker'])).stdout).toBe('first');
    await stack.docker(['rm', '--force', stranger]);
  });

  it('tells of a container that cannot be started again, with the data restored and the way back', async () => {
    const directory = join(stack.scratch, 'needed');
    await mkdir(directory);
    const broken = await runIdle('broken', {service: 'broken', args: ['--mount', `type=bind,source=${directory},target=/needed`]});
    await rmdir(directory);
    await changeStack(stack, 'one will not start');
    const before = await stateOf(stack);
    const result = await timetiles(['restore', set, '--yes', '--json'], {stack});
    expect(result.exitCode).toBe(1);
    const error = errorOf(result);
    expect(error.kind).toBe('unhealthy');
    expect(error.message).toContain(`set ${set} is restored`);
    expect(error.message).toContain(broken);
    const safetySet = /timetiles restore (\S+)/.exec(error.next)?.[1] ?? 'none';
    expect(await stateOf(stack)).toEqual(after);
    await stack.docker(['rm', '--force', broken]);
    await stack.waitHealthy();
    expect(await leftovers(stack)).toEqual([]);
    await restore(stack, 'newest', [safetySet, '--no-safety-backup']);
    expect(await stateOf(stack)).toEqual(before);
  });

  it('can be left waiting for an app that does not get healthy, with the data restored and the way back', async () => {
    const sick = await runIdle('sick', {service: 'sick', health: ['--health-cmd', 'false', '--health-interval', '1s', '--health-retries', '1']});
    await changeStack(stack, 'one is sick');
    const before = await stateOf(stack);
    const {running} = await signalAt(['restore', set, '--yes'], {after: `starting ${sick}`, milliseconds: 4000}, 'SIGINT', {stack});
    const result = await running.result;
    expectExit(result, 130);
    expect(result.stderr).toContain(`set ${set} is restored`);
    expect(await stateOf(stack)).toEqual(after);
    const safetySet = /timetiles restore (\S+)/.exec(result.stderr)?.[1] ?? 'none';
    const docker = await connectDocker({DOCKER_HOST: stack.bench.dockerHost});
    await expect(waitUntilHealthy(docker, sick, 1000)).rejects.toThrow(`${sick} is unhealthy`);
    // Nobody is made to wait long for what was so before.
    const patient = await timetiles(['restore', set, '--yes', '--no-safety-backup'], {stack});
    expectExit(patient, 0);
    expect(patient.stderr).toContain(`waiting for ${sick} to become healthy, 10 seconds at most: it was unhealthy before`);
    expect(patient.stderr).toMatch(new RegExp(`warning: the container ${sick} is \\w+ after 10 seconds; it was unhealthy before`, 'i'));
    const undone = await timetiles(['restore', '--undo', '--yes', '--no-safety-backup'], {stack});
    expectExit(undone, 0);
    expect(undone.stderr).toContain(`${sick} is`);
    await stack.docker(['rm', '--force', sick]);
    expect(await leftovers(stack)).toEqual([]);
    await restore(stack, 'newest', [safetySet, '--no-safety-backup', '--only', 'db']);
    expect((await stateOf(stack)).db).toBe(before.db);
  });
});
