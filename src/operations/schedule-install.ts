import {mkdirSync} from 'node:fs';
import {dirname, join, resolve} from 'node:path';
import {knownKeys, resticVariables} from '../config/keys.ts';
import type {OwnProgram} from '../process/own-program.ts';
import {findClockTroubles} from '../schedule/clock-changes.ts';
import {findCronDaemon, type CronDaemon} from '../schedule/cron-daemon.ts';
import {parseSchedule} from '../schedule/cron-expression.ts';
import {cronLines, type Installation} from '../schedule/cron-lines.ts';
import {findBlock, putBlock, removeBlock, type CrontabText, type FoundBlock} from '../schedule/crontab-block.ts';
import {readCrontab, writeCrontab} from '../schedule/crontab.ts';
import {jobsOf, type Plan} from '../schedule/jobs.ts';
import {hostTimeZone, nextRuns} from '../schedule/next-runs.ts';
import {runPath} from '../schedule/run-path.ts';
import {TimetilesError} from '../shared/errors.ts';
import {durationText} from '../shared/duration.ts';
import {bringBack, setAside} from '../schedule/earlier-lines.ts';
import {pausesOf} from '../schedule/pauses.ts';
import type {Context} from './context.ts';
import {bringBackElsewhere, findEarlierSchedule, linesToReplace, replaceElsewhere, type EarlierSchedule} from './earlier-schedule.ts';
import {foreseeBackup} from './foresee.ts';
import {configFileOf, forgetSchedule, ownerOf, readSchedule, rememberSchedule} from './schedule.ts';

export interface PlanRequest {
  /** The cron expression of the backup. */
  readonly schedule: string;
  readonly offsite: boolean;
  /** Seconds; undefined: what BACKUP_RANDOM_DELAY says. */
  readonly randomDelay: number | undefined;
}

/** Asked before a block that somebody changed by hand is replaced or removed. */
export type ConfirmEdited = (lines: readonly string[]) => Promise<'go' | 'stop'>;

export interface InstallRequest extends PlanRequest {
  /** What cron starts. */
  readonly tool: OwnProgram;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly confirmEdited: ConfirmEdited;
}

export interface ScheduleReport {
  readonly state: 'installed' | 'updated' | 'unchanged' | 'edited' | 'none' | 'missing';
  /** The block's lines; empty when there is none. */
  readonly lines: readonly string[];
  readonly schedule: string | null;
  readonly next: readonly Date[];
  readonly timeZone: string;
  readonly cron: CronDaemon;
  readonly warnings: readonly string[];
  /** What ran the backups before: lines of TimeTiles' earlier command line. */
  readonly earlier: EarlierSchedule;
}

export interface RemovalReport {
  readonly state: 'removed' | 'none';
  /** Lines that ran the backups before, and do so again. */
  readonly broughtBack: EarlierSchedule['replaced'];
}

/** What the engine's address depends on, besides the configuration. */
const passedOn = ['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'DOCKER_CERT_PATH', 'DOCKER_TLS', 'DOCKER_TLS_VERIFY', 'DOCKER_API_VERSION'];
const runsToShow = 5;

/**
 * Puts the schedule into the invoking user's crontab; everything else in there stays byte for byte, but for lines that ran
 * backups before: these become comments, wherever they are, after the new schedule is in place.
 * @throws TimetilesError `usage` for a schedule that cannot be, `schedule` when the crontab cannot be changed
 */
export async function installSchedule(context: Context, request: InstallRequest): Promise<ScheduleReport> {
  const plan = await planOf(context, request);
  const installation = installationOf(context, request);
  const lines = cronLines(jobsOf(plan), installation);
  const owner = ownerOf(context.configuration);
  const crontab = await readCrontab();
  const found = await settle(crontab, owner, request.confirmEdited);
  const before = {home: context.configuration.home, owner, isFirst: found.state === 'none'};
  const wanted = putBlock(setAside(crontab, owner, linesToReplace(crontab, before)), owner, lines);
  const {schedule, offsite, randomDelay} = {...plan, schedule: plan.schedule.text};
  mkdirSync(dirname(installation.log), {recursive: true, mode: 0o750});
  if (wanted !== crontab) await writeCrontab(wanted);
  if (wanted !== crontab || readSchedule(context) === undefined) await rememberSchedule(context, {schedule, offsite, randomDelay});
  const replaced = await replaceElsewhere(context, before);
  const state = wanted === crontab && replaced === 0 ? 'unchanged' : found.state === 'none' ? 'installed' : 'updated';
  const earlier = await findEarlierSchedule(wanted, {...before, isFirst: false});
  return report({state, lines, schedule, earlier, warnings: [...environmentWarnings(context, request.environment), ...(await foreseeBackup(context))]});
}

/** Takes the schedule out of the invoking user's crontab, which is then what it was before; so are all others. */
export async function removeSchedule(context: Context, confirmEdited: ConfirmEdited): Promise<RemovalReport> {
  const owner = ownerOf(context.configuration);
  const crontab = await readCrontab();
  const found = await settle(crontab, owner, confirmEdited);
  const {replaced: broughtBack} = await findEarlierSchedule(crontab, {home: context.configuration.home, owner, isFirst: false});
  await bringBackElsewhere(context, owner);
  const wanted = bringBack(removeBlock(crontab, owner), owner);
  if (wanted !== crontab) {
    if ((await writeCrontab(wanted)) !== wanted) context.log.warn('the crontab had no newline at its end before; cron wants one, so it stays');
  }
  await forgetSchedule(context);
  return {state: found.state === 'none' ? 'none' : 'removed', broughtBack};
}

/** What is in the invoking user's crontab, and when it runs next. */
export async function showSchedule(context: Context): Promise<ScheduleReport> {
  const crontab = await readCrontab();
  const owner = ownerOf(context.configuration);
  const found = findBlock(crontab, owner);
  const schedule = readSchedule(context)?.schedule;
  const earlier = await findEarlierSchedule(crontab, {home: context.configuration.home, owner, isFirst: found.state === 'none'});
  if (found.state === 'none') return report({state: schedule === undefined ? 'none' : 'missing', lines: [], schedule: undefined, earlier, warnings: []});
  if (found.state === 'broken') throw brokenError();
  return report({state: found.state === 'intact' ? 'installed' : 'edited', lines: found.lines, schedule, earlier, warnings: []});
}

/**
 * Reads what the operator asks for, for cron and for the scheduler in the foreground.
 * @throws TimetilesError `usage`, or `configuration` when there is nowhere to copy to
 */
export async function planOf({settings}: Pick<Context, 'settings'>, request: PlanRequest): Promise<Plan> {
  const schedule = await parseSchedule(request.schedule);
  const randomDelay = request.randomDelay ?? settings.BACKUP_RANDOM_DELAY;
  const {shortest} = pausesOf(schedule.fields);
  if (randomDelay >= shortest) {
    throw new TimetilesError('usage', `a random delay of up to ${durationText(randomDelay)} does not fit between runs that are ${durationText(shortest)} apart`, 'Give a shorter --random-delay (or BACKUP_RANDOM_DELAY), or a --schedule with longer pauses.');
  }
  if (request.offsite && settings.RESTIC_OFFSITE_REPOSITORY === undefined) {
    throw new TimetilesError('configuration', '--offsite was given, but RESTIC_OFFSITE_REPOSITORY is not set', 'Set it in bootstrap.conf, or leave --offsite out.');
  }
  return {schedule, offsite: request.offsite, randomDelay, restoreTests: settings.BACKUP_RESTORE_TEST_DAYS > 0};
}

/** A block that can be replaced or removed. @throws TimetilesError when it cannot, or when the operator does not want it */
async function settle(crontab: CrontabText, owner: string, confirmEdited: ConfirmEdited): Promise<FoundBlock> {
  const found = findBlock(crontab, owner);
  if (found.state === 'broken') throw brokenError();
  if (found.state === 'edited' && (await confirmEdited(found.lines)) === 'stop') throw new TimetilesError('interrupted', 'the change of the crontab was declined', 'Nothing was changed.');
  return found;
}

function brokenError(): TimetilesError {
  return new TimetilesError('schedule', 'the block of timetiles in the crontab was edited so that its beginning or its end is missing or there twice', 'Remove all its lines with crontab -e, then run timetiles backup auto again.');
}

function installationOf({configuration, settings}: Context, {tool, environment}: InstallRequest): Installation {
  const kept = Object.fromEntries(passedOn.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])));
  return {
    ...tool,
    environment: {
      PATH: runPath(environment['PATH'] ?? ''),
      ...(environment['TIMETILES_HOME'] && {TIMETILES_HOME: resolve(configuration.home)}),
      ...kept,
    },
    config: configFileOf(configuration),
    log: join(settings.LOG_DIR, 'cron.log'),
  };
}

/** What only the shell of whoever installs the schedule knows, and no cron ever will. */
function environmentWarnings({configuration}: Context, environment: InstallRequest['environment']): string[] {
  const inFiles = (key: string, value: string) => configuration.files.some((file) => file.values.get(key)?.value === value);
  const names = Object.entries(environment)
    .filter(([key, value]) => value && (knownKeys.has(key) || resticVariables.has(key)) && !passedOn.includes(key) && !inFiles(key, value))
    .map(([key]) => key);
  return names.length === 0 ? [] : [`${names.join(', ')}: set in this shell alone, where cron will not find it. Write it into ${configuration.files[0]?.path ?? join(configuration.home, 'bootstrap.conf')}`];
}

async function report({state, lines, schedule, earlier, warnings}: Pick<ScheduleReport, 'state' | 'lines' | 'earlier' | 'warnings'> & {schedule: string | undefined}): Promise<ScheduleReport> {
  const timeZone = hostTimeZone();
  const cron = findCronDaemon();
  const fields = schedule === undefined ? undefined : (await parseSchedule(schedule)).fields;
  const troubles = fields ? findClockTroubles(fields, timeZone, new Date()) : [];
  return {
    state,
    lines,
    schedule: schedule ?? null,
    next: schedule === undefined ? [] : await nextRuns(schedule, timeZone, runsToShow),
    timeZone,
    cron,
    warnings: [...warnings, ...earlier.warnings, ...troubles.map(describeTrouble)],
    earlier,
  };
}

function describeTrouble({kind, local}: {kind: 'skipped' | 'repeated'; local: string}): string {
  if (kind === 'skipped') return `${local} does not exist: the clock goes forward. Debian's cron runs the backup right after the gap, others leave it out and the hourly catch-up makes it. A time outside the gap avoids both.`;
  return `${local} comes twice: the clock goes back. Debian's cron runs the backup once.`;
}
