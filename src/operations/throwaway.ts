import {createHash} from 'node:crypto';
import {existsSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {z} from 'zod';
import {inspectContainer} from '../docker/containers.ts';
import {createContainer, createVolume, inspectEngine, readLog, removeContainer, removeVolume, type Engine} from '../docker/create.ts';
import {startContainer} from '../docker/lifecycle.ts';
import type {DockerHandle} from '../docker/client.ts';
import {syncDirectory, writeFileAtomically} from '../shared/atomic-file.ts';
import {messageOf, TimetilesError} from '../shared/errors.ts';
import {formatBytes, shellWord} from '../shared/format.ts';
import {freeBytes} from '../shared/free-space.ts';
import {parseJson} from '../shared/parse-json.ts';
import {readTextOrNothing} from '../shared/read-text.ts';
import {waitUntil} from '../shared/wait.ts';
import type {ThrowawayPlace} from '../sources/source.ts';
import {onStack, uninterruptible, type Context} from './context.ts';

/** On everything that a restore test makes, with the mark of its repository and its id. */
const label = 'org.timetiles.restore-test';
const gibibyte = 1024 ** 3;
/** The server of a test takes no more than this much memory, and half of what the host has. */
const memoryLimit = 2 * gibibyte;
/** How long the engine may take to remove what others are just letting go of, in milliseconds. */
const removalLimit = 30_000;

/** What a restore test makes, on disk before it is made, so that the next command can remove it. */
const recordSchema = z.object({id: z.string(), set: z.string(), begun: z.string(), containers: z.array(z.string()), volumes: z.array(z.string())});
type ThrowawayRecord = z.output<typeof recordSchema>;

export interface Throwaway {
  /** The context on the throwaway stack. */
  readonly there: Context;
  /** @throws TimetilesError `container` when a container of it has ended by itself */
  readonly requireRunning: () => Promise<void>;
}

/** The name with which everything of one restore test begins. */
export function throwawayName(id: string): string {
  return `timetiles-restore-test-${id}`;
}

/**
 * Makes the places, without network and with bounded memory and processors, for the time of `work`, and removes them
 * whatever happened. The repository's lock has to be held.
 * @throws TimetilesError `no-room` when the engine's disk has no room for them
 */
export async function withThrowaway<Result>(context: Context, {id, set, places}: {id: string; set: string; places: readonly ThrowawayPlace[]}, work: (throwaway: Throwaway) => Promise<Result>): Promise<Result> {
  const docker = await context.docker();
  const engine = await inspectEngine(docker);
  requireRoom(engine, places);
  const containers = places.flatMap(({container}) => (container ? [container] : []));
  const record: ThrowawayRecord = {
    id, set,
    begun: context.clock.now().toISOString(),
    containers: containers.map(({name}) => name),
    volumes: places.flatMap(({volumes}) => volumes),
  };
  const there = places.reduce((reached, {settings}) => onStack(reached, settings), context);
  context.log.info('starting the throwaway stack');
  try {
    await writeFileAtomically(recordPath(context), JSON.stringify(record, undefined, 2));
    const labels = {[label]: `${markOf(context)}-${id}`};
    for (const volume of record.volumes) await createVolume(docker, volume, labels);
    for (const container of containers) {
      await createContainer(docker, {...container, labels, network: 'none', ...boundsOf(engine)});
      await startContainer(docker, container.name);
    }
    for (const {prepare} of places) await prepare?.(there);
    return await work({there, requireRunning: () => requireRunning(docker, record, engine)});
  } finally {
    context.log.info('removing the throwaway stack');
    await removeQuietly(context, record);
  }
}

/** Half of the host, and no more than a test needs. */
function boundsOf({cpus, memory}: Engine): {memory: number; cpus: number} {
  return {memory: Math.min(memoryLimit, Math.floor(memory / 2)), cpus: Math.max(1, cpus / 2)};
}

function requireRoom(engine: Engine, places: readonly ThrowawayPlace[]): void {
  const needed = places.reduce((sum, {bytes}) => sum + bytes, 0);
  const free = freeBytes(engine.volumes);
  if (free >= needed) return;
  throw new TimetilesError(
    'no-room',
    `restoring the set beside the live data needs ${formatBytes(needed)}, but the disk of Docker's volumes (${engine.volumes}) has only ${formatBytes(free)} free`,
    `Free some space (df -h ${shellWord(engine.volumes)}), or test the set on another host.`,
    {room: {path: engine.volumes, bytesMissing: needed - free}},
  );
}

async function requireRunning(docker: DockerHandle, {containers}: ThrowawayRecord, engine: Engine): Promise<void> {
  for (const name of containers) {
    const container = await inspectContainer(docker, name);
    if (container?.running) continue;
    const said = container ? (await readLog(docker, name, 3)).join(' | ') : 'somebody removed it';
    throw new TimetilesError('container', `the throwaway container ${name} ended during the restore (it may use ${formatBytes(boundsOf(engine).memory)} of memory): ${said}`, 'See whether it ran out of memory (dmesg), and run the test again.');
  }
}

/**
 * Removes what a restore test left that was killed. Call it under the repository's lock: then no living one can own it.
 * What cannot be removed now is told, and stops nothing.
 */
export async function removeLeftThrowaway(context: Context): Promise<void> {
  if (!hasLeftThrowaway(context)) return;
  const record = recordSchema.safeParse(parseJson(readTextOrNothing(recordPath(context)))).data;
  if (!record) {
    context.log.warn(`${recordPath(context)} cannot be read. Remove what an interrupted restore test left (docker ps -a --filter label=${label}; docker volume ls --filter label=${label}), then the file`);
    return;
  }
  const what = `an interrupted restore test of set ${record.set}, begun ${record.begun}`;
  context.log.warn(`found ${what}`);
  if (await removeQuietly(context, record)) context.log.warn(`removed all that was left of ${what}`);
}

/** Whether there may be something to remove. */
export function hasLeftThrowaway(context: Context): boolean {
  return existsSync(recordPath(context));
}

/** @returns whether all of it is gone */
async function removeQuietly(context: Context, record: ThrowawayRecord): Promise<boolean> {
  const steady = uninterruptible(context);
  try {
    await remove(await steady.docker(), record);
    await rm(recordPath(context), {force: true});
    await syncDirectory(context.stateDirectory);
    return true;
  } catch (error) {
    context.log.warn(`what the restore test made could not be removed: ${messageOf(error)}. The next command tries again`);
    return false;
  }
}

/** A restic that was just told to end may still write into a volume. */
async function remove(docker: DockerHandle, {containers, volumes}: ThrowawayRecord): Promise<void> {
  let last: unknown;
  const done = await waitUntil(async () => {
    try {
      for (const name of containers) await removeContainer(docker, name);
      for (const name of volumes) await removeVolume(docker, name);
      return true;
    } catch (error) {
      if (!(error instanceof TimetilesError) || /does not answer|may not use/.test(error.message)) throw error;
      last = error;
      return false;
    }
  }, {limit: removalLimit, interval: 250});
  if (!done) throw last;
}

/** Installations that share a directory have a repository each, whose lock is what makes a record safe to act on. */
function recordPath(context: Context): string {
  return join(context.stateDirectory, `restore-test-${markOf(context)}.json`);
}

function markOf({settings}: Context): string {
  return createHash('sha256').update(settings.RESTIC_REPOSITORY).digest('hex').slice(0, 8);
}
