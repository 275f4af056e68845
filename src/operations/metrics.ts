import {dirname, resolve} from 'node:path';
import {writeFileAtomically} from '../shared/atomic-file.ts';
import {TimetilesError} from '../shared/errors.ts';
import {pathExists} from '../shared/path-exists.ts';
import {timeOfSetId} from '../shared/set-id.ts';
import type {StatusReport} from './status.ts';

/** One family of the text format: all of its samples stand together, under one TYPE line. */
interface Family {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly {readonly labels?: Readonly<Record<string, string>>; readonly value: number | null | undefined}[];
}

/**
 * A status as node_exporter's textfile collector reads it: the Prometheus text format, gauges alone. What is not known is
 * left out. Pure.
 */
export function metricsText(report: StatusReport, now: Date): string {
  return families(report, now).flatMap(({name, help, samples}) => {
    const known = samples.filter((sample) => sample.value !== null && sample.value !== undefined);
    if (known.length === 0) return [];
    return [`# HELP timetiles_${name} ${help}`, `# TYPE timetiles_${name} gauge`, ...known.map(({labels, value}) => `timetiles_${name}${labelText(labels)} ${value}`)];
  }).join('\n').concat('\n');
}

function families({sources, sets, lag, runs, restoreTests, schedule, space, findings}: StatusReport, now: Date): Family[] {
  const perSource = (pick: (source: StatusReport['sources'][number]) => number | null | undefined) =>
    sources.map((source) => ({labels: {source: source.source}, value: pick(source)}));
  const perJob = (pick: (job: NonNullable<(typeof runs)[keyof typeof runs]>) => number | null | undefined) =>
    Object.entries(runs).map(([job, records]) => ({labels: {job}, value: pick(records)}));
  return [
    {name: 'healthy', help: 'Whether timetiles backup status ends with 0.', samples: [{value: findings.length === 0 ? 1 : 0}]},
    {name: 'finding', help: 'Present and 1 for whatever is stale, missing or suspicious.', samples: findings.map(({key}) => ({labels: {key}, value: 1}))},
    {name: 'status_timestamp_seconds', help: 'When this was written.', samples: [{value: seconds(now)}]},
    {name: 'sets', help: 'Sets in the local repository.', samples: [{value: sets}]},
    {name: 'last_success_timestamp_seconds', help: 'When the newest complete set with this source was made.', samples: perSource(({newest}) => newest && seconds(newest.time))},
    {name: 'source_bytes', help: 'Size of the source in that set.', samples: perSource(({bytes}) => bytes)},
    {name: 'source_added_bytes', help: 'What that set added to the repository.', samples: perSource(({added}) => added)},
    {name: 'offsite_lag_sets', help: 'Complete sets that are not known to be offsite.', samples: [{value: lag?.sets}]},
    {name: 'offsite_newest_timestamp_seconds', help: 'When the newest complete set offsite was made.', samples: [{value: lag?.newest == null ? null : optionalSeconds(timeOfSetId(lag.newest))}]},
    {name: 'job_last_success_timestamp_seconds', help: 'When the job last ended well.', samples: perJob(({lastGood}) => lastGood && seconds(new Date(lastGood.time)))},
    {name: 'job_failed', help: 'Whether the last run of the job failed.', samples: perJob(({last}) => (last.state === 'failed' ? 1 : 0))},
    {name: 'restore_test_timestamp_seconds', help: 'When a set last passed a restore test.', samples: [{value: restoreTests.passed && seconds(new Date(restoreTests.passed.time))}]},
    {name: 'next_run_timestamp_seconds', help: 'When the next backup begins by itself.', samples: [{value: schedule.next && seconds(schedule.next)}]},
    {name: 'repository_bytes', help: 'Size of the local repository.', samples: [{value: space.repositoryBytes}]},
    {name: 'repository_free_bytes', help: 'Free space on its file system.', samples: [{value: space.freeBytes}]},
    {name: 'repository_days_until_full', help: 'At the rate of the last sets.', samples: [{value: space.daysUntilFull}]},
  ];
}

function seconds(time: Date): number {
  return Math.round(time.getTime() / 1000);
}

function optionalSeconds(time: Date | undefined): number | undefined {
  return time && seconds(time);
}

/** The format's own escapes: backslash, quote and line break. */
function labelText(labels: Readonly<Record<string, string>> | undefined): string {
  if (!labels) return '';
  const escape = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `{${Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`).join(',')}}`;
}

/** Puts the metrics in place at once, readable for everybody: node_exporter is another user. */
export async function writeMetrics(file: string, text: string): Promise<void> {
  const path = resolve(file);
  if (!pathExists(dirname(path))) {
    throw new TimetilesError('usage', `--prometheus: there is no directory ${dirname(path)}`, 'Name a file ending with .prom in the directory of node_exporter (--collector.textfile.directory).');
  }
  await writeFileAtomically(path, text, 0o644);
}
