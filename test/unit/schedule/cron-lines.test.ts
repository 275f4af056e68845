import {mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {findCronDaemon} from '../../../src/schedule/cron-daemon.ts';
import {parseSchedule} from '../../../src/schedule/cron-expression.ts';
import {cronLines, type Installation} from '../../../src/schedule/cron-lines.ts';
import {jobsOf} from '../../../src/schedule/jobs.ts';
import {runPath} from '../../../src/schedule/run-path.ts';
import {problem, temporaryDirectory, thrownBy} from '../support.ts';

const installation: Installation = {node: '/usr/bin/node', program: '/opt/tool/bin/run.js', environment: {PATH: '/usr/bin:/bin'}, config: undefined, log: '/var/log/timetiles/cron.log'};
const plan = async (text: string, more = {}) => ({schedule: await parseSchedule(text), offsite: false, randomDelay: 0, restoreTests: true, ...more});
const commands = async (text: string, more = {}) => jobsOf(await plan(text, more)).flatMap((job) => job.commands.map((words) => `${job.time} ${words.join(' ')}`));

describe('jobsOf', () => {
  it('makes a backup, makes up for a missed one, and cares for the repository once a week, and tests a restore once a month', async () => {
    expect(await commands('0 2 * * *', {offsite: true})).toEqual([
      '0 2 * * * backup --offsite --wait 6h',
      '17 * * * * backup --offsite --wait 30m --if-older-than 25h',
      '30 4 * * 0 backup prune --wait 6h',
      '30 4 * * 0 backup verify --read-data=10% --wait 6h',
      '30 5 1 * * backup verify --restore-test --wait 6h',
    ]);
    expect((await commands('0 2 * * *', {restoreTests: false})).join('\n')).not.toContain('restore-test');
  });

  it.each([
    ['0 2 * * *', 7200, '--wait 6h --random-delay 2h', '27h'],
    ['0 2 * * *', 900, '--wait 6h --random-delay 15m', '26h'],
    ['* * * * *', 0, '--wait 30s', '2h'],
    ['0 */6 * * *', 0, '--wait 3h', '7h'],
    ['0 2 * * 1-5', 0, '--wait 6h', '73h'],
    ['@weekly', 0, '--wait 6h', '169h'],
  ])('fits the waits of "%s" with a delay of %i s', async (text, randomDelay, nightly, overdue) => {
    const [first, second] = await commands(text, {randomDelay});
    expect(first).toContain(`backup ${nightly}`);
    expect(second).toMatch(new RegExp(`--if-older-than ${overdue}$`));
  });
});

describe('cronLines', () => {
  it('gives every line its own environment, and keeps what it prints', async () => {
    const lines = cronLines(jobsOf(await plan('0 2 * * *')), installation);
    const common = '(export PATH=/usr/bin:/bin; /usr/bin/node /opt/tool/bin/run.js backup';
    expect(lines).toEqual([
      expect.stringMatching(/^# Written by timetiles backup auto/),
      `0 2 * * * ${common} --wait 6h --quiet) 2>&1 | tee -a /var/log/timetiles/cron.log >/dev/null`,
      `17 * * * * ${common} --wait 30m --if-older-than 25h --quiet) 2>&1 | tee -a /var/log/timetiles/cron.log >/dev/null`,
      `@reboot sleep 300; ${common} --wait 30m --if-older-than 25h --quiet) 2>&1 | tee -a /var/log/timetiles/cron.log >/dev/null`,
      `30 4 * * 0 (export PATH=/usr/bin:/bin; t() { /usr/bin/node /opt/tool/bin/run.js "$@" --quiet; }; t backup prune --wait 6h; t backup verify --read-data=10\\% --wait 6h) 2>&1 | tee -a /var/log/timetiles/cron.log >/dev/null`,
      `30 5 1 * * ${common} verify --restore-test --wait 6h --quiet) 2>&1 | tee -a /var/log/timetiles/cron.log >/dev/null`,
    ]);
  });

  it('quotes for the shell, and escapes % for cron, within quotes too', async () => {
    const [, line] = cronLines(jobsOf(await plan('0 2 * * *')), {...installation, environment: {PATH: '/bin', TIMETILES_HOME: "/o'p/100% $x"}, config: '/etc/my file.conf', log: '/l/50%'});
    expect(line).toContain(String.raw`(export PATH=/bin TIMETILES_HOME='/o'\''p/100\% $x'; `);
    expect(line).toContain(`--wait 6h --config '/etc/my file.conf' --quiet) 2>&1 | tee -a /l/50\\% >/dev/null`);
  });

  it('refuses what cron cannot hold', async () => {
    const jobs = jobsOf(await plan('0 2 * * *'));
    expect(await thrownBy(() => cronLines(jobs, {...installation, log: `/${'x'.repeat(1000)}`}))).toMatchObject(problem('usage', 'too long for cron'));
    expect(await thrownBy(() => cronLines(jobs, {...installation, log: '/a\nb'}))).toMatchObject(problem('usage', 'line break'));
  });
});

describe('runPath', () => {
  it('puts the directories of needed programs before the usual ones, and nothing else of the shell', () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'restic'), '', {mode: 0o755});
    expect(runPath(`relative:/nowhere:${directory}:/usr/bin`).split(':').slice(0, 2)).toEqual([directory, '/usr/local/sbin']);
    expect(runPath('')).toBe('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
  });
});

describe('findCronDaemon', () => {
  const proc = (processes: Readonly<Record<string, readonly [name: string, state: string, namespace: string]>>) => {
    const root = temporaryDirectory();
    for (const [pid, [name, state, namespace]] of [['self', ['node', 'R', 'pid:[1]']] as const, ...Object.entries(processes)]) {
      mkdirSync(join(root, pid, 'ns'), {recursive: true});
      writeFileSync(join(root, pid, 'stat'), `${pid} (${name}) ${state} 1 1`);
      symlinkSync(namespace, join(root, pid, 'ns', 'pid'));
    }
    return root;
  };

  const cases: [string, Parameters<typeof proc>[0], boolean | null][] = [
    ['Debian’s', {1: ['systemd', 'S', 'pid:[1]'], 70: ['cron', 'S', 'pid:[1]']}, true],
    ['cronie’s', {1: ['systemd', 'S', 'pid:[1]'], 70: ['crond', 'S', 'pid:[1]']}, true],
    ['a dead one', {1: ['systemd', 'S', 'pid:[1]'], 70: ['cron', 'Z', 'pid:[1]']}, false],
    ['a container’s', {1: ['systemd', 'S', 'pid:[1]'], 70: ['cron', 'S', 'pid:[2]']}, false],
    ['none', {1: ['systemd', 'S', 'pid:[1]']}, false],
    ['nothing to be seen', {70: ['sh', 'S', 'pid:[1]']}, null],
  ];
  it.each(cases)('with %s', (_, processes, running) => {
    expect(findCronDaemon(proc(processes)).running).toBe(running);
  });
});
