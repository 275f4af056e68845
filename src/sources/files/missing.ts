import {mkdir, realpath} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import type {DockerHandle} from '../../docker/client.ts';
import {composeLabels, inspectVolume, type Volume} from '../../docker/containers.ts';
import {createVolume, inspectEngine} from '../../docker/create.ts';
import {meansMissing, TimetilesError} from '../../shared/errors.ts';
import {pathExists} from '../../shared/path-exists.ts';
import type {FilesHome} from './home.ts';

/** A place for files that is not there yet. */
export interface MissingPlace {
  /** What has to be made, in words. */
  readonly line: string;
  /** Makes it; what is there already stays. */
  make(): Promise<void>;
}

/** A directory of this host that a restore makes. */
export function missingDirectory(path: string, what = `the directory ${path}`): MissingPlace {
  return {
    line: `makes ${what}`,
    async make() {
      await mkdir(path, {recursive: true});
    },
  };
}

/** A volume that is made with compose's labels, so that compose takes it for its own. */
export function missingVolume(docker: DockerHandle, {name, key, project}: {name: string; key: string | undefined; project: string}): MissingPlace {
  const labels = key === undefined ? {} : {[composeLabels.project]: project, [composeLabels.volume]: key};
  return {line: `makes the volume ${name}`, make: () => createVolume(docker, name, labels)};
}

/** The key that a volume has in the compose file, by its name: compose puts the project in front. Pure. */
export function volumeKey(name: string, project: string): string | undefined {
  return name.startsWith(`${project}_`) ? name.slice(project.length + 1) : undefined;
}

/** The name and key of the volume that UPLOADS_VOLUME means where there is none yet: its own name, or the one in the compose file. Pure. */
export function namedVolume(wanted: string, project: string, home: FilesHome | undefined): {name: string; key: string | undefined} {
  const before = home !== undefined && 'volume' in home ? home : undefined;
  const name = before?.key === wanted && before.volume !== wanted ? `${project}_${wanted}` : wanted;
  return {name, key: (before?.volume === name ? before.key : undefined) ?? volumeKey(name, project)};
}

/** The volume as it will be once the engine has made it. */
export async function futureVolume(docker: DockerHandle, name: string): Promise<Volume> {
  const known = await inspectVolume(docker, name);
  if (known) return known;
  const {volumes} = await inspectEngine(docker);
  return {name, mountpoint: join(volumes, name, '_data'), driver: 'local'};
}

/**
 * Makes sure that what is made on this host is what the engine's containers see: one in a virtual machine has its
 * directories elsewhere.
 * @throws TimetilesError `volume`
 */
export async function requireEngineHere(docker: DockerHandle, what: string): Promise<void> {
  const {volumes} = await inspectEngine(docker);
  if (pathExists(volumes)) return;
  throw new TimetilesError('volume', `${what} is not on this host, nor is the directory of Docker's volumes (${volumes})`, 'If Docker runs in a virtual machine or container, run timetiles where Docker runs.');
}

/** The path without links as far as it exists; what follows stays as it is. */
export async function realpathOfMissing(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!meansMissing(error) || dirname(path) === path) throw error;
    return join(await realpathOfMissing(dirname(path)), basename(path));
  }
}
