import {createHash} from 'node:crypto';
import {rm} from 'node:fs/promises';
import {userInfo} from 'node:os';
import {join, resolve} from 'node:path';
import {z} from 'zod';
import type {Configuration} from '../config/load.ts';
import {findCronDaemon} from '../schedule/cron-daemon.ts';
import {findBlock, type FoundBlock} from '../schedule/crontab-block.ts';
import {readCrontab} from '../schedule/crontab.ts';
import {hostTimeZone, nextRuns} from '../schedule/next-runs.ts';
import {writeFileAtomically} from '../shared/atomic-file.ts';
import {messageOf} from '../shared/errors.ts';
import {parseJson} from '../shared/parse-json.ts';
import {readTextOrNothing} from '../shared/read-text.ts';
import type {Context} from './context.ts';

const scheduleSchema = z.object({
  installed: z.literal(true),
  /** The cron expression of the backup. */
  schedule: z.string(),
  offsite: z.boolean(),
  /** Whose crontab it is in. */
  user: z.string(),
  /** When it was installed, ISO 8601. */
  time: z.string(),
  /** Seconds. */
  randomDelay: z.number(),
});
/** What `backup auto` installed, as this host remembers it. */
export type InstalledSchedule = z.output<typeof scheduleSchema>;

type ScheduleContext = Pick<Context, 'stateDirectory' | 'configuration' | 'clock' | 'log'>;

export interface ScheduleState {
  /** `missing`: it was installed and is gone. `unknown`: it is in the crontab of a user that this one may not look at. */
  readonly state: 'installed' | 'missing' | 'edited' | 'none' | 'unknown';
  readonly schedule: InstalledSchedule | undefined;
  /** Null when this user cannot see it. */
  readonly cronRunning: boolean | null;
  /** What to do when cron does not run; null when there is nothing to do. */
  readonly cronRemedy: string | null;
  /** When the next backup begins, random delay aside; null when none will. */
  readonly next: Date | null;
  /** In which cron reads the schedule. */
  readonly timeZone: string;
}

/** What `backup auto` installed for this configuration; undefined when nothing, or when that was lost. */
export function readSchedule(context: Pick<ScheduleContext, 'stateDirectory' | 'configuration'>): InstalledSchedule | undefined {
  return scheduleSchema.safeParse(parseJson(readTextOrNothing(recordPath(context)))).data;
}

/** Whether the backups that were installed will come: the entry is in the crontab as it was written, and cron runs. */
export async function isScheduleInstalled(context: ScheduleContext): Promise<ScheduleState> {
  const schedule = readSchedule(context);
  const daemon = findCronDaemon();
  const state = await stateOf(context, schedule);
  const willRun = schedule !== undefined && (state === 'installed' || state === 'edited') && daemon.running !== false;
  const timeZone = hostTimeZone();
  const [next = null] = willRun ? await nextRuns(schedule.schedule, timeZone, 1) : [];
  return {state, schedule, cronRunning: daemon.running, cronRemedy: daemon.remedy, next, timeZone};
}

async function stateOf(context: ScheduleContext, schedule: InstalledSchedule | undefined): Promise<ScheduleState['state']> {
  const gone = schedule === undefined ? 'none' : 'missing';
  const {username, uid} = userInfo();
  const isOthers = schedule !== undefined && schedule.user !== username;
  if (isOthers && uid !== 0) return 'unknown';
  let found: FoundBlock;
  try {
    found = findBlock(await readCrontab(isOthers ? schedule.user : undefined), ownerOf(context.configuration));
  } catch (error) {
    context.log.debug(`the crontab was not looked at: ${messageOf(error)}`);
    return gone;
  }
  if (found.state === 'none') return gone;
  return found.state === 'intact' ? 'installed' : 'edited';
}

/** Remembers what was installed, for status and alerts: an entry that somebody took away has to be missed. */
export async function rememberSchedule(context: ScheduleContext, schedule: Pick<InstalledSchedule, 'schedule' | 'offsite' | 'randomDelay'>): Promise<void> {
  const record: InstalledSchedule = {installed: true, ...schedule, user: userInfo().username, time: context.clock.now().toISOString()};
  await writeFileAtomically(recordPath(context), `${JSON.stringify(record, undefined, 2)}\n`);
}

export async function forgetSchedule(context: ScheduleContext): Promise<void> {
  await rm(recordPath(context), {force: true});
}

/** What tells the blocks of several installations in one crontab apart. */
export function ownerOf(configuration: Configuration): string {
  return configFileOf(configuration) ?? resolve(configuration.home);
}

/** The file that `--config` named, absolute; undefined without it. */
export function configFileOf({home, files}: Configuration): string | undefined {
  const usual = [join(home, 'bootstrap.conf'), join(home, '.env.production')];
  const file = files.find(({path}) => !usual.includes(path));
  return file && resolve(file.path);
}

/** Configuration files that share an installation directory have a schedule each. */
function recordPath({stateDirectory, configuration}: Pick<ScheduleContext, 'stateDirectory' | 'configuration'>): string {
  const file = configFileOf(configuration);
  return join(stateDirectory, file === undefined ? 'schedule.json' : `schedule-${createHash('sha256').update(file).digest('hex').slice(0, 12)}.json`);
}
