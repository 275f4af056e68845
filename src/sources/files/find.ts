import {stat} from 'node:fs/promises';
import {inspectVolume, listMembers, listProjectVolumes} from '../../docker/containers.ts';
import type {DockerHandle} from '../../docker/client.ts';
import {type Candidate, meansMissing, TimetilesError} from '../../shared/errors.ts';
import {chooseOneOf} from '../../config/setting-line.ts';
import {findProjectServers} from '../postgres/find-server.ts';
import type {SourceContext} from '../source.ts';
import {findCandidates, findNamedByApp, findUnmounted, keyOfPlace, type FilesCandidate} from './candidates.ts';
import type {FilesHome} from './home.ts';

type Place = FilesCandidate['place'];

export type FoundPlace =
  | {
      readonly state: 'found';
      readonly place: Place;
      /** Why it is this one; undefined where the configuration or its own name says so. */
      readonly why: string | undefined;
      /** It is the only one there is: nothing but that speaks for it. */
      readonly isGuess: boolean;
      readonly others: readonly FilesCandidate[];
    }
  | {readonly state: 'none'; readonly projectExists: boolean; readonly error: TimetilesError};

export interface FindOptions {
  readonly earlier: FilesHome | undefined;
  readonly mayBeMissing: boolean;
}

/**
 * Finds the uploads of the project: the volume `uploads`, what the app itself names by UPLOAD_DIR, what has the name
 * uploads, or the only data volume or directory there is.
 * @param earlier where a backup had them, which decides between several
 * @param mayBeMissing a directory that is gone counts too, where a container still mounts it
 * @throws TimetilesError `ambiguous` with a line for each
 */
export async function findPlace(context: SourceContext, docker: DockerHandle, {earlier, mayBeMissing}: FindOptions): Promise<FoundPlace> {
  const {COMPOSE_PROJECT_NAME: project} = context.settings;
  const settled = (place: Place, more: {why?: string; isGuess?: boolean; others?: readonly FilesCandidate[]} = {}): FoundPlace => ({state: 'found', place, why: more.why, isGuess: more.isGuess ?? false, others: more.others ?? []});
  const byKey = await findVolumeByKey(docker, project);
  if (byKey !== undefined) return settled({volume: byKey});
  const members = await listMembers(docker, project);
  const servers = new Set((await findProjectServers(context)).map(({id}) => id));
  const [named, secondNamed] = findNamedByApp(members, servers);
  if (named && !secondNamed) return settled(named.place, {why: named.why});
  const {there: all, missing} = await sortByPresence(findCandidates(members, servers));
  const candidates = all.filter(({isSetAside}) => !isSetAside);
  const [byName, secondByName] = candidates.filter(({isNamedUploads}) => isNamedUploads);
  if (byName && !secondByName) return settled(byName.place);
  const isBefore = ({place}: FilesCandidate) => earlier !== undefined && keyOfPlace(place) === keyOfPlace(earlier);
  const before = candidates.find(isBefore) ?? (mayBeMissing ? missing.find(isBefore) : undefined);
  if (before) return settled(before.place, {why: 'as in earlier backups', others: candidates.filter((candidate) => candidate !== before)});
  const gone = mayBeMissing && candidates.length === 0 ? missing.filter(({isNamedUploads}) => isNamedUploads) : [];
  if (gone[0] && gone.length === 1) return settled(gone[0].place);
  const [only, second] = candidates;
  if (only && second) throw severalFound(project, candidates);
  if (only) return settled(only.place, {why: `the only data ${'volume' in only.place ? 'volume' : 'directory'} of the project ${project}`, isGuess: true});
  const aside = all.map(({place}) => keyOfPlace(place));
  const unmounted = findUnmounted(members.filter(({id}) => !servers.has(id)));
  return {state: 'none', projectExists: members.length > 0, error: await nothingFound(docker, project, {aside, unmounted, missing})};
}

async function findVolumeByKey(docker: DockerHandle, project: string): Promise<string | undefined> {
  const ofProject = await listProjectVolumes(docker, project);
  const known = ofProject.find(({key}) => key === 'uploads')?.name;
  return known ?? (await inspectVolume(docker, `${project}_uploads`))?.name;
}

/** A bind mount may be a single file, a socket, or a directory that is not there any more. What this user may not look at is told of where it is read. */
async function sortByPresence(candidates: readonly FilesCandidate[]): Promise<{there: FilesCandidate[]; missing: FilesCandidate[]}> {
  const states = await Promise.all(candidates.map(async ({place, source}) => {
    if ('volume' in place) return 'there';
    return stat(source).then((found) => (found.isDirectory() ? 'there' : 'other'), (error: unknown) => (meansMissing(error) ? 'missing' : 'there'));
  }));
  const inState = (wanted: string) => candidates.filter((_, index) => states[index] === wanted);
  return {there: inState('there'), missing: inState('missing')};
}

function severalFound(project: string, found: readonly FilesCandidate[]): TimetilesError {
  const candidates: Candidate[] = [
    ...found.map(({place, users}) => ({key: 'volume' in place ? 'UPLOADS_VOLUME' : 'UPLOAD_HOST_DIR', value: keyOfPlace(place), description: `at ${users.join(', ')}`})),
    {key: 'BACKUP_SOURCES', value: 'db', description: 'none of these: the database alone'},
  ];
  const names = found.map(({place}) => keyOfPlace(place)).join(', ');
  return new TimetilesError('ambiguous', `several volumes or directories of the project ${project} may hold its uploads: ${names}`, chooseOneOf(candidates), {candidates});
}

async function nothingFound(docker: DockerHandle, project: string, {aside, unmounted, missing}: {aside: readonly string[]; unmounted: string | undefined; missing: readonly FilesCandidate[]}): Promise<TimetilesError> {
  const volumes = (await listProjectVolumes(docker, project)).map(({name}) => name);
  const has = volumes.length === 0 ? 'no volumes' : `these volumes: ${volumes.join(', ')}`;
  const notes = [...missing.map(({place, users}) => `the directory ${keyOfPlace(place)} of ${users.join(', ')} is not there`), ...(unmounted === undefined ? [] : [unmounted]), ...(aside.length === 0 ? [] : [`by their names these hold no data: ${aside.join(', ')}`])];
  return new TimetilesError(
    'volume',
    [`the project ${project} has no volume uploads, nor another volume or directory for its data; it has ${has}`, ...notes].join('; '),
    'Name the volume with UPLOADS_VOLUME, or a directory of this host with UPLOAD_HOST_DIR.',
  );
}
