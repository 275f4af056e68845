import {repositoryBytes, repositoryExists} from '../restic/handle.ts';
import {freeBytes} from '../shared/free-space.ts';
import {sourceByName} from '../sources/registry.ts';
import type {Context} from './context.ts';
import {damagedState} from './damaged-state.ts';
import {readEvidence} from './evidence.ts';
import {findings, judgeRestoreTests, newestWith, sourceNames, type Finding, type HealthFacts, type RestoreTestState} from './health.ts';
import {readKnownSets, type KnownSet} from './known-sets.ts';
import {offsiteLag, type OffsiteLag} from './offsite/lag.ts';
import {whatIsKept, type Previous} from './previous.ts';
import {repositorySince} from './repository.ts';
import {readRunRecords, type RunRecords} from './run-records.ts';
import {isScheduleInstalled, type ScheduleState} from './schedule.ts';
import {findUnfinishedRestore} from './unfinished.ts';

export interface SourceStatus {
  readonly source: string;
  /** The newest complete set that holds it; none that a restore made. */
  readonly newest: {readonly set: string; readonly time: Date} | null;
  readonly bytes: number | null;
  /** What the newest set added to the repository, in bytes. */
  readonly added: number | null;
  /** The sizes in the last sets, oldest first; null where it is not known. */
  readonly trend: readonly {readonly set: string; readonly bytes: number | null}[];
  /** What a restore of it could not bring back, or what it does not cover, a line each. */
  readonly notes: readonly string[];
}

interface SpaceStatus {
  readonly path: string;
  /** Null where the repository does not lie on this host's disks, as the others are. */
  readonly repositoryBytes: number | null;
  readonly freeBytes: number | null;
  /** By how much the last sets made it grow, bytes a day; null when they span less than a day. */
  readonly growthPerDay: number | null;
  /** At that rate; null when it does not grow. */
  readonly daysUntilFull: number | null;
}

export interface StatusReport {
  readonly sets: number;
  readonly sources: readonly SourceStatus[];
  readonly lag: OffsiteLag | undefined;
  readonly runs: RunRecords;
  readonly restoreTests: RestoreTestState;
  readonly schedule: ScheduleState;
  readonly space: SpaceStatus;
  /** The state before the last restore. */
  readonly previous: Previous | undefined;
  /** Whatever is stale, missing or suspicious. */
  readonly findings: readonly Finding[];
}

/** How many sets the trends look back. */
const trendSets = 14;
const dayMilliseconds = 86_400_000;

/**
 * Looks at everything that tells whether backups are made and can be trusted. Reads this host's records and the
 * repository's directory; restic is asked only when these do not account for every snapshot.
 */
export async function readStatus(context: Context): Promise<StatusReport> {
  for (const line of damagedState(context)) context.log.warn(line);
  const facts = await readFacts(context);
  return {
    sets: facts.sets.length,
    sources: sourcesOf(facts.sets),
    lag: facts.lag,
    runs: facts.runs,
    restoreTests: facts.restoreTests,
    schedule: facts.schedule,
    space: spaceOf(context, facts.sets),
    previous: whatIsKept(context),
    findings: findings(facts),
  };
}

/** What is stale, missing or suspicious now, for those who alert. */
export async function assessHealth(context: Context): Promise<Finding[]> {
  return findings(await readFacts(context));
}

async function readFacts(context: Context): Promise<HealthFacts> {
  const repository = repositoryExists(context.restic) ? null : context.restic.repository;
  const known = repository === null ? await readKnownSets(context) : [];
  // However young the files were that somebody imported, they tell nothing of tonight.
  const sets = known.filter(({isImported}) => !isImported);
  const now = context.clock.now();
  return {
    now,
    missingRepository: repository,
    maxAgeHours: context.settings.BACKUP_MAX_AGE_HOURS,
    unwanted: unwantedSources(context, sets),
    sets,
    lag: offsiteLag(context, sets),
    runs: readRunRecords(context),
    restoreTests: judgeRestoreTests({now, days: context.settings.BACKUP_RESTORE_TEST_DAYS, evidence: readEvidence(context), sets, since: repositorySince(context)}),
    schedule: await isScheduleInstalled(context),
    unfinished: await findUnfinishedRestore(context),
  };
}

/** What older sets hold and new ones are not meant to: kinds that BACKUP_SOURCES does not name, databases that went out of DB_NAME. */
function unwantedSources({settings}: Context, sets: readonly KnownSet[]): ReadonlySet<string> {
  const wanted = settings.BACKUP_SOURCES;
  return new Set(sourceNames(sets).filter((name) => {
    const kind = sourceByName(name)?.kind;
    if (kind === undefined || name === kind) return kind !== undefined && wanted?.includes(kind) === false;
    const newest = newestWith(sets, kind);
    return wanted?.includes(kind) === false || newest?.sources.some(({source}) => source === name) === false;
  }));
}

/** What the sets, newest first, tell of each source. Pure. */
export function sourcesOf(sets: readonly KnownSet[]): SourceStatus[] {
  return sourceNames(sets).map((source) => {
    const recordIn = (set: KnownSet | undefined) => set?.sources.find((candidate) => candidate.source === source);
    const newest = newestWith(sets, source);
    const last = sets.filter((set) => !set.isSafety && recordIn(set) !== undefined).slice(0, trendSets).toReversed();
    return {
      source,
      newest: newest ? {set: newest.id, time: newest.time} : null,
      bytes: recordIn(newest)?.bytes ?? null,
      added: recordIn(newest)?.added ?? null,
      notes: recordIn(newest)?.notes ?? [],
      trend: last.map((set) => ({set: set.id, bytes: recordIn(set)?.bytes ?? null})),
    };
  });
}

function spaceOf({restic}: Context, sets: readonly KnownSet[]): SpaceStatus {
  const bytes = repositoryBytes(restic);
  const free = bytes === null ? null : freeBytes(restic.repository);
  const growthPerDay = growth(sets.slice(0, trendSets));
  const daysUntilFull = free === null || growthPerDay === null || growthPerDay <= 0 ? null : Math.floor(free / growthPerDay);
  return {path: restic.repository, repositoryBytes: bytes, freeBytes: free, growthPerDay, daysUntilFull};
}

/** The first of the sets is where counting begins: what it added came before. Pure. */
export function growth(newestFirst: readonly KnownSet[]): number | null {
  const [newest] = newestFirst;
  const oldest = newestFirst.at(-1);
  if (!newest || !oldest) return null;
  const days = (newest.time.getTime() - oldest.time.getTime()) / dayMilliseconds;
  if (days < 1) return null;
  const added = newestFirst.slice(0, -1).flatMap((set) => set.sources.map((source) => source.added ?? 0));
  return Math.round(added.reduce((sum, bytes) => sum + bytes, 0) / days);
}
