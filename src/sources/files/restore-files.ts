import {readdir} from 'node:fs/promises';
import {dirname} from 'node:path';
import {diskUsage} from '../../process/disk-usage.ts';
import {restoreIntact, restoreSnapshot, type RestoreRequest as FilesRequest} from '../../restic/restore.ts';
import {TimetilesError} from '../../shared/errors.ts';
import {formatBytes, plural} from '../../shared/format.ts';
import {nearestExisting} from '../../shared/path-exists.ts';
import type {KeptData} from '../leftover.ts';
import {diskOf, reserveFor, whileRoomIsLeft, type RoomNeed} from '../room.ts';
import type {BestEffort, JournalEntry, OnProgress, RestoreRequest, RestoreStep, SourceContext, SourceRecord} from '../source.ts';
import {filesDetailsSchema, homeOfRecord} from './details.ts';
import {locateLive, type UploadsLocation} from './locate.ts';
import {findRestorePlace} from './restore-place.ts';
import {applyRootEntry, readRootEntry} from './root-entry.ts';
import {choosePlaces, keptFiles, makeFreshPlace, swapPlacesSchema, type SwapPlaces} from './swap.ts';
import {walkFiles} from './walk.ts';

/** Of the last block of a file, half is wasted. */
const averageSlack = 2048;

/** Plans to put the files of a snapshot in the place of the live ones; a place that is gone is made anew. */
export async function planFilesRestore(context: SourceContext, request: RestoreRequest): Promise<RestoreStep> {
  const {location, missing, warnings} = await findRestorePlace(context, homeOfRecord(request.record));
  const details = request.record && filesDetailsSchema.parse(request.record.details);
  const oldRoot = await readRootEntry(missing ? nearestExisting(location.directory) : location.directory);
  const places: SwapPlaces = {...choosePlaces(location.directory, request.restoreId), newRoot: details?.root ?? null, oldRoot};
  return {
    entry: places,
    target: `the ${location.description}`,
    hasLiveData: !missing && (await readdir(location.directory)).length > 0,
    mustStop: location.users.filter((container) => container.running).map((container) => container.id),
    warnings: details ? warnings : [...warnings, 'this set has no manifest: mode and owner of the uploads directory itself stay as they are'],
    plan: [
      missing ? `${location.description}: not there; ${missing.line}` : `${location.description}: content replaced`,
      ...(request.record ? [`${plural(request.record.files, 'file')}, ${formatBytes(request.record.bytes)}`] : []),
    ],
    room: () => Promise.resolve(roomFor(location, places, request.record)),
    async stage(onProgress, bestEffort) {
      await missing?.make();
      const target = await makeFreshPlace(places);
      await whileRoomIsLeft(target, context.restic.signal, (signal) => restoreFiles({...context, restic: {...context.restic, signal}}, {snapshot: request.snapshot, target}, onProgress, bestEffort));
      // An empty directory in place of the live files would be nothing but loss.
      if (bestEffort && (request.record?.files ?? 0) > 0 && (await walkFiles(target).next()).done === true) throw new TimetilesError('repository-damaged', `no file of snapshot ${request.snapshot.slice(0, 8)} is intact`, 'Choose another set: timetiles backup list');
      await applyRootEntry(target, details?.root ?? oldRoot);
      return [];
    },
  };
}

/** Looks at the files that a restore has put aside. */
export async function inspectKeptFiles(context: SourceContext, entry: JournalEntry): Promise<KeptData | undefined> {
  const places = swapPlacesSchema.parse(entry);
  const kept = keptFiles(places);
  if (kept === undefined) return undefined;
  const location = await locateLive(context, places.live);
  const mustStop = location.users.filter((container) => container.running).map((container) => container.id);
  let count = 0;
  for await (const _ of walkFiles(kept)) count += 1;
  return {bytes: await diskUsage(kept), items: {count, noun: 'file'}, description: `${location.description}, kept in ${kept}`, mustStop};
}

/** Restores files of a snapshot; where the best there is was asked for, those that are intact. */
export async function restoreFiles(context: SourceContext, request: FilesRequest, onProgress: OnProgress, bestEffort: BestEffort | undefined): Promise<void> {
  const version = await context.resticVersion();
  if (!bestEffort) return restoreSnapshot(context.restic, request, version, onProgress);
  bestEffort.onMissing(await restoreIntact(context.restic, {...request, exclude: bestEffort.damaged}, version, onProgress));
}

/** Small files take a block each, and directories too. */
function roomFor(location: UploadsLocation, places: SwapPlaces, record: SourceRecord | undefined): RoomNeed[] {
  if (!record) return [];
  const disk = diskOf(nearestExisting(dirname(places.base)));
  return [{what: `the ${location.description}`, bytes: record.bytes + record.files * averageSlack, reserve: reserveFor(disk), disk}];
}
