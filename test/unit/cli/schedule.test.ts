import {expect, it} from 'vitest';
import {secondsOf} from '../../../src/cli/duration-flag.ts';
import {renderRemoval, renderSchedule} from '../../../src/cli/render/schedule.ts';
import type {ScheduleReport} from '../../../src/operations/schedule-install.ts';
import {problem, thrownBy} from '../support.ts';

const report: ScheduleReport = {
  state: 'installed',
  lines: ['0 2 * * * x'],
  schedule: '0 2 * * *',
  next: [new Date('2026-11-22T01:00:00Z')],
  timeZone: 'Europe/Berlin',
  cron: {installed: true, running: false, remedy: 'Start cron: service cron start'},
  warnings: ['a warning'],
  earlier: {replaced: [], active: [], warnings: []},
};

it('tells what was installed, when it runs in local time, and that cron does not run', () => {
  const {text, json} = renderSchedule(report, {showLines: false});
  expect(text.split('\n')).toEqual([
    'The schedule is installed: "0 2 * * *", time zone Europe/Berlin.',
    'Next backups:',
    '  2026-11-22 02:00 Europe/Berlin',
    expect.stringContaining('backup auto --show'),
    'warning: a warning',
    'warning: cron is not running, so nothing will happen. Start cron: service cron start',
  ]);
  expect(json).toMatchObject({state: 'installed', next: ['2026-11-22T01:00:00.000Z'], cron: {installed: true, running: false}});
});

it('shows the lines when asked, and what to do where there is nothing', () => {
  expect(renderSchedule(report, {showLines: true}).text).toContain('\n0 2 * * * x\n');
  const nothing = renderSchedule({...report, state: 'none', lines: [], schedule: null, next: [], cron: {...report.cron, remedy: null}, warnings: []}, {showLines: true});
  expect(nothing.text).toBe('No schedule is installed. Install one: timetiles backup auto.');
  expect(renderRemoval({state: 'none', broughtBack: []}).text).toContain('nothing was changed');
});

it('names the lines that ran backups before, with their place', () => {
  const line = {place: '/etc/cron.d/timetiles', line: '0 3 * * 0 app /opt/timetiles/timetiles backup full'};
  const named = `\n  ${line.place}: ${line.line}`;
  expect(renderSchedule({...report, earlier: {replaced: [line], active: [], warnings: []}}, {showLines: false}).text).toContain(named);
  expect(renderSchedule({...report, earlier: {replaced: [], active: [line], warnings: []}}, {showLines: true})).toMatchObject({text: expect.stringContaining(named), json: {earlier: {active: [line]}}});
  expect(renderRemoval({state: 'removed', broughtBack: [line]})).toMatchObject({text: expect.stringContaining(named), json: {broughtBack: [line]}});
});

it('names the flag whose duration cannot be read', async () => {
  expect(secondsOf({wait: '10m'}, 'wait')).toBe(600);
  expect(secondsOf({}, 'wait')).toBeUndefined();
  expect(await thrownBy(() => secondsOf({wait: '10 min'}, 'wait'))).toMatchObject(problem('usage', '--wait=10 min is no duration', 'such as 2h'));
});
