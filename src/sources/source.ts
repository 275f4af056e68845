import {z} from 'zod';
import type {Settings} from '../config/settings.ts';
import type {DockerHandle} from '../docker/client.ts';
import type {NewContainer} from '../docker/create.ts';
import type {ResticHandle} from '../restic/handle.ts';
import type {ResticVersion} from '../restic/version.ts';
import type {Clock} from '../shared/clock.ts';
import type {TimetilesError} from '../shared/errors.ts';
import type {Log, Progress} from '../shared/log.ts';
import type {ForeignFile} from './foreign/file.ts';
import type {KeptData, Leftover} from './leftover.ts';
import type {RoomNeed} from './room.ts';
import type {SourceRecord} from './source-record.ts';

export {sourceRecordSchema, type ImportedFrom, type SourceRecord} from './source-record.ts';

/** What every source may use. */
export interface SourceContext {
  readonly settings: Settings;
  /** Where a relative path of the app begins, if no container knows the directory of its compose project. */
  readonly baseDirectory: string;
  /** Connects on first use: some commands need no Docker. */
  readonly docker: () => Promise<DockerHandle>;
  readonly restic: ResticHandle;
  /** Asks the installed restic, once. */
  readonly resticVersion: () => Promise<ResticVersion>;
  readonly log: Log;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The one database that the work is about; absent: the main one. */
  readonly database?: string;
}

/** The kinds of data, by the name of their first source. */
export type SourceKind = 'db' | 'uploads';

export type OnProgress = (progress: Omit<Progress, 'label'>) => void;

/** What is compared with earlier sets; a source leaves out what it does not have. */
export interface Measures {
  readonly bytes: number;
  readonly files?: number;
  /** By table. */
  readonly rows?: Readonly<Record<string, number>>;
}

/** Takes the paths of files that a source's data names; another source then looks for them in its snapshot. */
export interface ExpectedFiles {
  add(path: string): void;
  /** No more will come. @param problem why they are not all, so that nothing can be said */
  end(problem?: string): void;
}

export interface StoreRequest {
  readonly setId: string;
  readonly tags: readonly string[];
  readonly onProgress: OnProgress;
  /** Undefined when nobody wants to know. */
  readonly expectedFiles: ExpectedFiles | undefined;
}

/** A source whose snapshot of the set that is being made is stored. */
export interface StoredSource {
  readonly source: Source;
  readonly record: SourceRecord;
}

export interface InspectOptions {
  /** Accept an uploads directory that has become empty or that nothing mounts. */
  readonly allowEmpty: boolean;
  /** What the newest backup holds of this source; undefined where there is none. */
  readonly earlier: SourceRecord | undefined;
}

/** Data that was found and can be read, ready to be stored. */
export interface BackupTask {
  /** Such as `database app in the container shop-postgres-1`. */
  readonly description: string;
  readonly warnings: readonly string[];
  /**
   * What a restore of it could not bring back, or what it does not cover, a line each with the remedy. `doctor` always
   * shows them; a backup shows those that the set before it did not have.
   */
  readonly notes: readonly string[];
  store(request: StoreRequest): Promise<SourceRecord>;
}

export interface RestoreRequest {
  readonly setId: string;
  readonly snapshot: string;
  /** Undefined when the set has no manifest: what the manifest would tell is then taken from the target. */
  readonly record: SourceRecord | undefined;
  /** Unique to this restore, `[0-9a-z]` only; every temporary name holds it. */
  readonly restoreId: string;
}

/** What swap, revert and finish need to know, also in another process after a crash. Plain JSON. */
export type JournalEntry = Readonly<Record<string, unknown>>;

/** A restore of what is intact alone. */
export interface BestEffort {
  /** Paths in the snapshot that are known to be damaged. */
  readonly damaged: readonly string[];
  /** Takes the paths of what was left out. */
  readonly onMissing: (paths: readonly string[]) => void;
}

/** A restore of one source that was checked against the target; nothing has been touched. */
export interface RestoreStep {
  readonly entry: JournalEntry;
  /** What it replaces, in words; two steps of one restore must not replace the same. */
  readonly target: string;
  /** The plan in words, one line each. */
  readonly plan: readonly string[];
  readonly warnings: readonly string[];
  /** Ids of containers that must not run during the swap. */
  readonly mustStop: readonly string[];
  /** Whether there is live data to save first. */
  readonly hasLiveData: boolean;
  /** Looks how much room the stage takes and on which disks, as they are now; empty where that is not known. */
  room(): Promise<readonly RoomNeed[]>;
  /**
   * Brings the data in beside the live one and checks it; live data stays untouched.
   * @returns what came back otherwise than by the ordinary way, a line each
   */
  stage(onProgress: OnProgress, bestEffort?: BestEffort): Promise<string[]>;
}

export interface ExportRequest {
  readonly snapshot: string;
  /** An empty directory. */
  readonly directory: string;
  /** Only this file or folder; relative, without `..`. */
  readonly path?: string | undefined;
  readonly onProgress: OnProgress;
  /** Undefined: all or nothing. */
  readonly bestEffort?: BestEffort | undefined;
}

/** Settings that say where a stack's data lives. A manifest knows them too. */
export const stackSettingsSchema = z.object({
  COMPOSE_PROJECT_NAME: z.string().exactOptional(),
  POSTGRES_CONTAINER: z.string().exactOptional(),
  DB_NAME: z.string().exactOptional(),
  UPLOADS_VOLUME: z.string().exactOptional(),
  UPLOAD_HOST_DIR: z.string().exactOptional(),
});
export type StackSettings = z.output<typeof stackSettingsSchema>;

export interface HomeRequest {
  readonly record: SourceRecord;
  /** The compose project of the stack that the record is of. */
  readonly project: string;
  /** The keys that the configuration itself gives a value. */
  readonly given: ReadonlySet<string>;
}

/** Where the data of a source lives, or will live, on this machine. Nothing has been touched. */
export interface Home {
  /** Those that the configuration does not give. */
  readonly settings: StackSettings;
  /** What has to be made or started, a line each; none when all is there. */
  readonly missing: readonly string[];
  readonly warnings: readonly string[];
  /**
   * Makes and starts it; what an earlier run has made is used.
   * @returns how to put to rest again what was started
   */
  prepare(): Promise<() => Promise<void>>;
}

/** One thing that was looked at in restored data. */
export interface Check {
  /** One word, such as `rows`. */
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  /** What was found, or why it was not looked at; one line. */
  readonly detail: string;
}

/** The image of a throwaway container. */
export interface UsedImage {
  readonly name: string;
  /** Such as `sha256:…`. */
  readonly id: string;
  /** Why it is not the image that the set was made with; null when it is. */
  readonly otherThanMade: string | null;
}

export interface ThrowawayRequest {
  /** Undefined when the set has no manifest. */
  readonly record: SourceRecord | undefined;
  /** With this begins every name of a container or volume. */
  readonly name: string;
  /** Another source of this kind has a place already, which has room for this one. */
  readonly isShared: boolean;
}

/** A place of its own for one source, apart from the live stack, in which a set is restored to see whether it can be. */
export interface ThrowawayPlace {
  /** Bytes that it needs on the engine's disk. */
  readonly bytes: number;
  /** Names of the volumes. */
  readonly volumes: readonly string[];
  readonly container?: Pick<NewContainer, 'name' | 'image' | 'environment' | 'command' | 'volumes' | 'shm'>;
  readonly image?: UsedImage;
  /** What leads the source to this place. */
  readonly settings: Partial<Settings>;
  /** Waits until the started container can be restored into. The context leads there. */
  readonly prepare?: (context: SourceContext) => Promise<void>;
}

/** A backup by another tool whose kind is known. Nothing has been read but its beginning. */
export interface RecognisedBackup {
  readonly kind: string;
  /** When it was made, as far as it says so itself. */
  readonly time: Date | undefined;
  /** Makes it ready to be stored. @throws TimetilesError `import` when it cannot be taken */
  prepare(context: SourceContext, request: ImportRequest): Promise<ImportTask>;
}

export interface ImportRequest {
  /** Empty, and nobody else's; it goes away afterwards, with all that lies in it. */
  readonly directory: string;
  /** How many of an archive's top folders lead to the data; undefined: to be found out. */
  readonly strip: number | undefined;
  readonly onProgress: OnProgress;
}

/** A backup by another tool, ready to be stored. */
export interface ImportTask {
  /** The context is of the time that the snapshot is to have. @throws TimetilesError `import`; then there is no snapshot */
  store(context: SourceContext, request: StoreRequest): Promise<{readonly record: SourceRecord; readonly notes: readonly string[]}>;
}

export type ProveRequest = Pick<RestoreRequest, 'snapshot' | 'record' | 'restoreId'>;

/**
 * One kind of data. A further kind is one file that exports such an object, named in registry.ts.
 * `swap`, `revert` and `finish` may run in another process than `stage` did and any number of times: each looks at
 * what is there and does what is left to do.
 */
export interface Source {
  /** The source's name in tags, options and messages. */
  readonly name: string;
  /** What several sources of one kind of data have in common: the name of the first of them. */
  readonly kind: SourceKind;
  /**
   * Why there is none of this data in the project, which a project may well be without; undefined where there is some.
   * @throws TimetilesError where the configuration names some that is not there, or where nothing can be said
   */
  findAbsence(context: SourceContext, earlier: SourceRecord | undefined): Promise<TimetilesError | undefined>;
  /**
   * The sources of this kind that the configuration asks for, this one first; absent: this one alone. They know what was found of them, and
   * are to be inspected at once.
   */
  readonly findSources?: (context: SourceContext, earlier: SourceRecord | undefined) => Promise<Source[]>;
  /** Finds the data and proves that it can be read. */
  inspect(context: SourceContext, options: InspectOptions): Promise<BackupTask>;
  /** What of a record is compared with those of earlier sets. */
  measure(record: SourceRecord): Measures;
  /** Picks those of the paths that have no file in a snapshot of this source. Only where its data are files. */
  readonly findMissing?: (context: SourceContext, snapshot: string, paths: AsyncIterable<string>) => AsyncIterable<string>;
  /** Ids of containers that serve this data and stay up during a restore. */
  servingContainers(context: SourceContext): Promise<string[]>;
  /** Looks for the place of this source's data, also on a machine that has nothing yet. */
  findHome(context: SourceContext, request: HomeRequest): Promise<Home>;
  /** Looks whether a file of another tool is a backup of this source. @throws TimetilesError `import` when it is one that cannot be taken */
  readonly recognise?: (file: ForeignFile) => RecognisedBackup | undefined;
  /**
   * What lives there already and would be replaced, in words; undefined: nothing, or a database or directory that is still empty.
   * @param record of the set that would come in its place, if it has one
   */
  findLive(context: SourceContext, record: SourceRecord | undefined): Promise<string | undefined>;
  planRestore(context: SourceContext, request: RestoreRequest): Promise<RestoreStep>;
  /** What a place of its own would have to be like for a set to be restored there. Makes nothing. */
  planThrowaway(context: SourceContext, request: ThrowawayRequest): Promise<ThrowawayPlace>;
  /** Puts the staged data in the place of the live one and keeps the latter. */
  swap(context: SourceContext, entry: JournalEntry): Promise<void>;
  /** Compares the data that is in place with the snapshot it came from and with the manifest. Changes nothing. */
  prove(context: SourceContext, request: ProveRequest): Promise<Check[]>;
  /** Hands on the paths of files that the data in place names. Only where the source can tell. */
  readonly listNamedFiles?: (context: SourceContext, files: ExpectedFiles, request: Pick<ProveRequest, 'record' | 'restoreId'>) => Promise<void>;
  /** Picks those of the paths that are not there in the data in place. Only where its data are files. */
  readonly findAbsent?: (context: SourceContext, paths: AsyncIterable<string>) => AsyncIterable<string>;
  /** Looks at what `swap` kept; undefined when it is gone, or lies where it cannot stay for longer than a restore. */
  inspectKept(context: SourceContext, entry: JournalEntry): Promise<KeptData | undefined>;
  /** Takes back swap and stage: the live data is as before, nothing else is left. */
  revert(context: SourceContext, entry: JournalEntry): Promise<void>;
  /** Removes what `swap` kept. */
  finish(context: SourceContext, entry: JournalEntry): Promise<void>;
  /** Looks for what restores have left, by its names. */
  readonly findLeftovers?: (context: SourceContext) => Promise<Leftover[]>;
  /** Whether a path that the operator names is in this source. */
  claimsPath(path: string): boolean;
  /** Writes the data into a directory for inspection. @returns the paths written */
  export(context: SourceContext, request: ExportRequest): Promise<string[]>;
}
