import {listProjectVolumes} from '../../docker/containers.ts';
import type {SourceContext} from '../source.ts';
import {homeVolume, type FilesHome} from './home.ts';
import {findUploads, type UploadsLocation} from './locate.ts';
import type {MissingPlace} from './missing.ts';

/** Where files are to be restored. */
export interface RestorePlace {
  readonly location: UploadsLocation;
  /** What has to be made first. */
  readonly missing: MissingPlace | undefined;
  readonly warnings: readonly string[];
}

/**
 * Finds the place for files that are to come back: that of the files there are, else the one that the configuration, the
 * containers' mounts or the set itself know, also when it is gone.
 * @param home where the backup had them
 * @throws TimetilesError `volume` where nothing tells
 */
export async function findRestorePlace(context: SourceContext, home: FilesHome | undefined): Promise<RestorePlace> {
  const {COMPOSE_PROJECT_NAME: project} = context.settings;
  const found = await findUploads(context, home, {mayBeMissing: true});
  if (found.state === 'found') return withWarnings(found);
  // A project that the engine knows nothing of is most likely a wrong name.
  const isKnown = found.projectExists || (await listProjectVolumes(await context.docker(), project)).length > 0;
  if (!home || !isKnown) throw found.error;
  const key = 'directory' in home ? {UPLOAD_HOST_DIR: home.directory} : {UPLOADS_VOLUME: (await homeVolume(context, home, projectOf(home) ?? project)).name};
  const known = await findUploads({...context, settings: {...context.settings, ...key}}, home, {mayBeMissing: true});
  if (known.state === 'none') throw known.error;
  return withWarnings(known);
}

function withWarnings({location, missing}: Pick<RestorePlace, 'location' | 'missing'>): RestorePlace {
  const isMounted = !missing || location.users.length > 0;
  return {location, missing, warnings: isMounted ? [] : [`no container mounts the ${location.description} yet: the app sees the files once it is started with it (docker compose up -d)`]};
}

/** Compose puts the project in front of a volume's key. */
function projectOf({volume, key}: Extract<FilesHome, {volume: string}>): string | undefined {
  return key !== null && volume.endsWith(`_${key}`) ? volume.slice(0, -key.length - 1) : undefined;
}
