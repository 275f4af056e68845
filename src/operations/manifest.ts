import {mkdirSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {z} from 'zod';
import {startSnapshotStream, type SnapshotStream} from '../restic/backup.ts';
import {readSnapshotFile} from '../restic/dump.ts';
import {writeFileAtomically} from '../shared/atomic-file.ts';
import {TimetilesError} from '../shared/errors.ts';
import {parseJson} from '../shared/parse-json.ts';
import {readTextOrNothing} from '../shared/read-text.ts';
import {sourceRecordSchema} from '../sources/source.ts';
import type {Context} from './context.ts';
import {rememberNewSetName} from './set-names.ts';
import {stackHintsSchema} from './stack-hints.ts';

/** The manifest's path in its snapshot. */
const manifestPath = '/manifest.json';

/** Whether the files that the data names are in the set. */
const missingFilesSchema = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('checked'),
    /** How many paths were looked for. */
    expected: z.number(),
    count: z.number(),
    /** The first few of those that are missing. */
    sample: z.array(z.string()),
  }),
  z.object({state: z.literal('not-checked'), reason: z.string()}),
]);
export type MissingFiles = z.output<typeof missingFilesSchema>;

/** What a bare host needs to know of a set; stored as a snapshot of the set itself, after all others. */
const manifestSchema = z.object({
  format: z.literal(1),
  tool: z.string(),
  set: z.string(),
  time: z.string(),
  host: z.string(),
  project: z.string(),
  state: z.enum(['complete', 'incomplete']),
  sources: z.array(sourceRecordSchema),
  /** The state before a restore, made by it. */
  beforeRestore: z.literal(true).optional(),
  /** What the set has much less of than those before it, a line each. */
  suspicions: z.array(z.string()).optional(),
  /** It has much less than those before it, and the operator says that this is right: later sets are compared with it. */
  accepted: z.literal(true).optional(),
  missingFiles: missingFilesSchema.optional(),
  /** It was made from files of other tools; each source tells of which. */
  imported: z.literal(true).optional(),
  /** How the stack was set up; sets of earlier versions lack it. */
  stack: stackHintsSchema.optional(),
});
export type Manifest = z.output<typeof manifestSchema>;

/** Starts the restic that will store the manifest; it is fed when all else is stored. See docs/decisions/0002. */
export function startManifest(context: Context, tags: readonly string[]): Promise<SnapshotStream> {
  return startSnapshotStream(context.restic, manifestPath, tags, () => undefined);
}

/** Feeds the manifest, waits until it is stored, and keeps a copy for listings. */
export async function commitManifest(context: Context, stream: SnapshotStream, manifest: Manifest): Promise<void> {
  const text = JSON.stringify(manifest, undefined, 2);
  const stored = await stream.commit(`${text}\n`);
  await cacheManifest(context, stored.id, text);
  await rememberNewSetName(context, manifest);
}

/**
 * Reads a manifest by the id of its snapshot, from this host's copies or from the repository.
 * @throws TimetilesError when it is damaged, which a copy never is: its name is the snapshot's digest
 */
export async function readManifest(context: Context, snapshotId: string): Promise<Manifest> {
  return readCachedManifest(context, snapshotId) ?? readStoredManifest(context, snapshotId);
}

/** The same from the repository itself, whatever copies there are. */
export async function readStoredManifest(context: Context, snapshotId: string): Promise<Manifest> {
  const text = await readSnapshotFile(context.restic, snapshotId, manifestPath);
  const manifest = parseManifest(text);
  if (!manifest) {
    throw new TimetilesError('repository', `the manifest in snapshot ${snapshotId.slice(0, 8)} cannot be read by this version`, 'Upgrade timetiles, or restore with restic itself: restic restore SNAPSHOT --target DIR');
  }
  await cacheManifest(context, snapshotId, text);
  return manifest;
}

/** This host's copy of a manifest, if there is one. */
export function readCachedManifest(context: Context, snapshotId: string): Manifest | undefined {
  const text = readTextOrNothing(cachePath(context, snapshotId));
  return text === undefined ? undefined : parseManifest(text);
}

/** Those of this host's copies whose snapshots are among `ids`. */
export function readCachedManifests(context: Context, ids: Iterable<string>): Map<string, Manifest> {
  const found = new Map<string, Manifest>();
  for (const id of ids) {
    const manifest = readCachedManifest(context, id);
    if (manifest) found.set(id, manifest);
  }
  return found;
}

/** Removes this host's copy of a manifest whose set goes. */
export async function dropCachedManifest(context: Context, snapshotId: string): Promise<void> {
  await rm(cachePath(context, snapshotId), {force: true});
}

/** A host that cannot keep copies only lists more slowly. */
async function cacheManifest(context: Context, snapshotId: string, text: string): Promise<void> {
  try {
    mkdirSync(context.stateDirectory, {recursive: true, mode: 0o700});
    await writeFileAtomically(cachePath(context, snapshotId), text);
  } catch (error) {
    context.log.debug(`no copy of the manifest was kept: ${String(error)}`);
  }
}

function cachePath(context: Context, snapshotId: string): string {
  return join(context.stateDirectory, 'manifests', `${snapshotId}.json`);
}

function parseManifest(text: string): Manifest | undefined {
  return manifestSchema.safeParse(parseJson(text)).data;
}
