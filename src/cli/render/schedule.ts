import type {EarlierSchedule, PlacedLine} from '../../operations/earlier-schedule.ts';
import type {RemovalReport, ScheduleReport} from '../../operations/schedule-install.ts';
import {localText} from '../../schedule/clock-changes.ts';
import type {Rendered} from '../base-command.ts';

const words: Readonly<Record<ScheduleReport['state'], string>> = {
  installed: 'The schedule is installed',
  updated: 'The schedule was changed',
  unchanged: 'The schedule is installed already; nothing was changed',
  edited: 'The schedule is installed, and was changed by hand',
  none: 'No schedule is installed. Install one: timetiles backup auto',
  missing: 'The schedule was installed, but is not in the crontab any more. Install it again: timetiles backup auto',
};

/** What `backup auto` did, or with `--show` what it found. */
export function renderSchedule(report: ScheduleReport, options: {showLines: boolean}): Rendered {
  const {schedule, timeZone, cron} = report;
  const time = schedule === null ? '' : `: "${schedule}", time zone ${timeZone}`;
  const lines = [
    `${words[report.state]}${time}.`,
    ...(options.showLines ? report.lines : []),
    ...describeEarlier(report.earlier),
    ...(report.next.length > 0 ? ['Next backups:', ...report.next.map((date) => `  ${localText(date, timeZone)} ${timeZone}`)] : []),
    ...(options.showLines || report.lines.length === 0 ? [] : ['A missed backup is made up for within the hour; prune and verify run on Sundays at 04:30, restore tests on the first of each month. See it all: timetiles backup auto --show']),
    ...report.warnings.map((warning) => `warning: ${warning}`),
    ...describeDaemon(report),
  ];
  const json = {
    state: report.state,
    schedule,
    timeZone,
    next: report.next.map((date) => date.toISOString()),
    lines: report.lines,
    cron: {installed: cron.installed, running: cron.running},
    warnings: report.warnings,
    earlier: {replaced: report.earlier.replaced, active: report.earlier.active},
  };
  return {text: lines.join('\n'), json};
}

export function renderRemoval({state, broughtBack}: RemovalReport): Rendered {
  const none = broughtBack.length === 0 ? 'No schedule is installed; nothing was changed.' : 'No schedule was installed.';
  const lines = [
    state === 'removed' ? 'The schedule was removed; the crontab is as it was before it.' : none,
    ...listLines('These lines, which ran the backups before it, run again:', broughtBack),
  ];
  return {text: lines.join('\n'), json: {state, broughtBack}};
}

function describeEarlier({replaced, active}: EarlierSchedule): string[] {
  return [
    ...listLines('Lines that ran backups before, now comments until timetiles backup auto --disable:', replaced),
    ...listLines('Lines that run backups beside this, and that timetiles backup auto replaces:', active),
  ];
}

function listLines(title: string, lines: readonly PlacedLine[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map(({place, line}) => `  ${place}: ${line}`)];
}

function describeDaemon({cron}: ScheduleReport): string[] {
  if (cron.remedy === null) return [];
  return [`warning: cron is ${cron.installed ? 'not running' : 'not installed'}, so nothing will happen. ${cron.remedy}`];
}
