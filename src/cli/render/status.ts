import type {Finding} from '../../operations/health.ts';
import type {RunRecord} from '../../operations/run-records.ts';
import {localText} from '../../schedule/clock-changes.ts';
import type {SourceStatus, StatusReport} from '../../operations/status.ts';
import {exitCodes} from '../../shared/errors.ts';
import {formatAge, formatBytes, plural} from '../../shared/format.ts';
import type {Rendered} from '../base-command.ts';
import {describeLag, lagToJson} from './lag.ts';
import {describeUntil} from './previous.ts';
import {renderTable} from './table.ts';

export interface StatusView {
  readonly now: Date;
  /** Whether the trends are drawn. */
  readonly terminal: boolean;
}

/** `backup status`: what there is, and whether it can be relied on; exit 1 when not, for health checks. */
export function renderStatus(report: StatusReport, view: StatusView): Rendered {
  const {sources, lag, findings} = report;
  const lines = [
    ...(sources.length === 0 ? [] : [renderTable([['SOURCE', 'NEWEST COMPLETE', 'AGE', 'SIZE', 'ADDED', 'TREND'], ...sources.map((source) => sourceRow(source, view))])]),
    ...sources.flatMap(({notes}) => notes).map((line) => `Note: ${line}.`),
    describeSpace(report),
    ...(lag ? [describeLag(lag)] : ['Offsite: none is configured (RESTIC_OFFSITE_REPOSITORY).']),
    describeRuns(report, view.now),
    describeRestoreTests(report, view.now),
    describeSchedule(report),
    ...describeKept(report),
    ...describeFindings(findings),
  ];
  return {text: lines.join('\n'), json: toJson(report), exitCode: findings.length === 0 ? exitCodes.done : exitCodes.failed};
}

function sourceRow({source, newest, bytes, added, trend}: SourceStatus, {now, terminal}: StatusView): string[] {
  const sizes = trend.map((point) => point.bytes);
  return [
    source,
    newest?.set ?? 'none',
    newest ? formatAge(newest.time, now) : '-',
    bytes === null ? 'unknown' : formatBytes(bytes),
    added === null ? '-' : `+${formatBytes(added)}`,
    terminal ? drawBars(sizes) : describeTrend(sizes),
  ];
}

const bars = '▁▂▃▄▅▆▇█';

/** One bar a set, oldest first, as high as its share of the largest; a blank where the size is not known. Pure. */
export function drawBars(sizes: readonly (number | null)[]): string {
  const largest = Math.max(1, ...sizes.map((size) => size ?? 0));
  return sizes.map((size) => (size === null ? ' ' : (bars[Math.min(bars.length - 1, Math.floor((size / largest) * bars.length))] ?? ' '))).join('');
}

function describeTrend(sizes: readonly (number | null)[]): string {
  const known = sizes.filter((size) => size !== null);
  const [first] = known;
  return first === undefined || known.length < 2 ? '-' : `from ${formatBytes(first)} over ${plural(known.length, 'set')}`;
}

function describeSpace({space, sets}: StatusReport): string {
  const {path, repositoryBytes, freeBytes, growthPerDay, daysUntilFull} = space;
  if (repositoryBytes === null || freeBytes === null) return `Repository: ${path} is not there.`;
  const rate = growthPerDay === null ? '' : `, growing by ${formatBytes(growthPerDay)} a day`;
  return `Repository: ${path}, ${plural(sets, 'set')} in ${formatBytes(repositoryBytes)}, ${formatBytes(freeBytes)} free${rate}${daysUntilFull === null ? '' : `: full in ${describeDays(daysUntilFull)}`}.`;
}

function describeDays(days: number): string {
  return days > 3650 ? 'more than ten years' : plural(days, 'day');
}

function describeRuns({runs}: StatusReport, now: Date): string {
  const describe = (name: string, record: RunRecord | null | undefined) => `${name} ${record ? formatAge(new Date(record.time), now) : 'never'}`;
  const {verify, prune} = runs;
  return `Last good runs: ${[describe('verify', verify?.lastGood), describe('prune', prune?.lastGood)].join(', ')}.`;
}

function describeRestoreTests({restoreTests: {days, passed, due, overdue}}: StatusReport, now: Date): string {
  const last = passed ? `set ${passed.set} passed ${formatAge(new Date(passed.time), now)}${passed.from === 'offsite' ? ', from the offsite copy' : ''}` : 'no set has passed one';
  if (due === null) return `Restore test: ${last}${days === 0 ? '; none is wanted (BACKUP_RESTORE_TEST_DAYS)' : ''}.`;
  return `Restore test: ${last}; the next is ${overdue ? 'OVERDUE since' : 'due by'} ${due.toISOString().slice(0, 10)}.`;
}

function describeSchedule({schedule: {state, schedule, cronRunning, next, timeZone}}: StatusReport): string {
  if (schedule === undefined) return 'Schedule: none was installed here. Let cron run the backups: timetiles backup auto';
  const where = {installed: `in the crontab of ${schedule.user}`, edited: `in the crontab of ${schedule.user}, edited by hand`, missing: 'GONE from the crontab', none: 'GONE from the crontab', unknown: `in the crontab of ${schedule.user}, which only root may look at`}[state];
  const daemon = cronRunning === null ? '' : `; cron ${cronRunning ? 'runs' : 'does NOT run'}`;
  return `Schedule: ${schedule.schedule}${schedule.offsite ? ' with the offsite copy' : ''}, ${where}${daemon}; next run ${next ? `${localText(next, timeZone)} ${timeZone}` : 'never'}.`;
}

function describeKept({previous}: StatusReport): string[] {
  if (!previous?.kept) return [];
  return [`Kept ${describeUntil(previous)}: the state before the restore of set ${previous.set}, ${formatBytes(previous.bytes)}. To return to it: timetiles restore --undo. To remove it: timetiles restore --drop-previous`];
}

function describeFindings(findings: readonly Finding[]): string[] {
  if (findings.length === 0) return ['All is well.'];
  return [`${plural(findings.length, 'problem')}:`, ...findings.flatMap(({message, next}) => [`  ${message}`, `    ${next}`])];
}

function toJson({sets, sources, lag, runs, restoreTests, schedule, space, previous, findings}: StatusReport) {
  return {
    healthy: findings.length === 0,
    findings,
    sets,
    sources: sources.map(({newest, ...source}) => ({...source, newest: newest && {set: newest.set, time: newest.time.toISOString()}})),
    offsite: lagToJson(lag),
    runs,
    restoreTest: {...restoreTests, due: restoreTests.due?.toISOString() ?? null},
    schedule: {...schedule, schedule: schedule.schedule ?? null, next: schedule.next?.toISOString() ?? null},
    space,
    previous: previous?.kept ? {set: previous.set, bytes: previous.bytes, until: previous.until, safetySet: previous.safetySet} : null,
  };
}
