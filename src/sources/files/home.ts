import {readdir} from 'node:fs/promises';
import {z} from 'zod';
import {inspectVolume, listProjectVolumes, renameForProject} from '../../docker/containers.ts';
import {TimetilesError} from '../../shared/errors.ts';
import {pathExists} from '../../shared/path-exists.ts';
import {plural} from '../../shared/format.ts';
import type {Home, SourceContext, StackSettings} from '../source.ts';
import {uploadHostDirectory} from './host-path.ts';
import {locateUploads} from './locate.ts';
import {missingDirectory, missingVolume, namedVolume, volumeKey, type MissingPlace} from './missing.ts';

/** Where the files were, in the manifest's words. */
export const filesHomeSchema = z.union([z.object({volume: z.string(), key: z.string().nullable()}), z.object({directory: z.string()})]);
export type FilesHome = z.output<typeof filesHomeSchema>;

/** The same from the sentence that earlier versions kept, such as `volume shop_uploads`. Pure. */
export function filesHomeOf(origin: string): FilesHome | undefined {
  const [, kind, place = ''] = /^(volume|directory) (.+)$/s.exec(origin) ?? [];
  if (kind === undefined) return undefined;
  return kind === 'volume' ? {volume: place, key: null} : {directory: place};
}

export interface FilesHomeRequest {
  readonly home: FilesHome | undefined;
  readonly project: string;
  readonly given: ReadonlySet<string>;
}

/** Finds the volume or directory for files that are to come back, or plans a new one as the manifest describes it. */
export async function findFilesHome(context: SourceContext, {home, project, given}: FilesHomeRequest): Promise<Home> {
  const volume = context.settings.UPLOADS_VOLUME;
  const directory = await uploadHostDirectory(context);
  if (given.has('UPLOAD_HOST_DIR') && directory !== undefined) return planDirectory(directory, {});
  const target = context.settings.COMPOSE_PROJECT_NAME;
  if (given.has('UPLOADS_VOLUME') && volume !== undefined) return planVolume(context, namedVolume(volume, target, home), {});
  if (home && 'directory' in home) return planDirectory(home.directory, {UPLOAD_HOST_DIR: home.directory});
  const {name, key} = await homeVolume(context, home, project);
  return planVolume(context, {name, key}, {UPLOADS_VOLUME: name});
}

/** The volume of the project that a manifest's volume is, or will be, here. */
export async function homeVolume(context: SourceContext, home: Extract<FilesHome, {volume: string}> | undefined, project: string): Promise<{name: string; key: string | undefined}> {
  const target = context.settings.COMPOSE_PROJECT_NAME;
  const name = home ? renameForProject(home.volume, project, target) : `${target}_uploads`;
  const key = home?.key ?? volumeKey(name, target);
  const known = (await listProjectVolumes(await context.docker(), target)).find((candidate) => candidate.key === key);
  return {name: known?.name ?? name, key};
}

function planDirectory(directory: string, settings: StackSettings): Home {
  return toHome(settings, pathExists(directory), missingDirectory(directory));
}

async function planVolume(context: SourceContext, {name, key}: {name: string; key: string | undefined}, settings: StackSettings): Promise<Home> {
  const docker = await context.docker();
  const isThere = (await inspectVolume(docker, name)) !== undefined;
  return toHome(settings, isThere, missingVolume(docker, {name, key, project: context.settings.COMPOSE_PROJECT_NAME}));
}

function toHome(settings: StackSettings, isThere: boolean, place: MissingPlace): Home {
  return {
    settings,
    warnings: [],
    missing: isThere ? [] : [place.line],
    async prepare() {
      await place.make();
      return () => Promise.resolve();
    },
  };
}

/** What a file system or an earlier restore keeps there is nobody's data. */
const notLive = /^(lost\+found|\.timetiles.*)$/;

/** Whether anything lies in the uploads; a place that is not there yet is empty. */
export async function findLiveFiles(context: SourceContext): Promise<string | undefined> {
  try {
    const {directory, description} = await locateUploads(context);
    const entries = (await readdir(directory)).filter((name) => !notLive.test(name));
    return entries.length === 0 ? undefined : `the ${description} has ${plural(entries.length, 'entry', 'entries')}`;
  } catch (error) {
    if (error instanceof TimetilesError && error.kind === 'volume') return undefined;
    throw error;
  }
}
