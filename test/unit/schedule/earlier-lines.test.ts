import {describe, expect, it} from 'vitest';
import {linesToReplace} from '../../../src/operations/earlier-schedule.ts';
import {bringBack, findEarlierLines, linesSetAside, readEarlierLine, setAside} from '../../../src/schedule/earlier-lines.ts';

describe('lines of the earlier command line', () => {
  it.each<[string, string | undefined]>([
    ['0 3 * * 0 timetiles backup full', 'timetiles'],
    ['0 2 * * * /usr/local/bin/timetiles backup db >> /var/log/timetiles/backup.log 2>&1', '/usr/local/bin/timetiles'],
    ['0 4 1 * * /opt/timetiles/timetiles backup prune >/dev/null 2>&1\r', '/opt/timetiles/timetiles'],
    ['@daily\t/opt/timetiles/timetiles backup --offsite', '/opt/timetiles/timetiles'],
    ['*/30 1-5 * jan mon,tue /opt/timetiles/timetiles   backup  uploads --offsite | logger -t backup', '/opt/timetiles/timetiles'],
    ['0 2 * * * cd /opt/timetiles && ./timetiles backup full', '/opt/timetiles/timetiles'],
    ['0 2 * * * DEPLOY_USER=app nice -n 19 bash /opt/timetiles/timetiles backup', '/opt/timetiles/timetiles'],
    ['0 2 * * * /opt/timetiles/backups/auto-backup.sh >> /var/log/timetiles/backup.log 2>&1', '/opt/timetiles/backups/auto-backup.sh'],
    ['# 0 2 * * * timetiles backup full', undefined],
    ['MAILTO=timetiles backup full', undefined],
    ['0 2 * * * /srv/other backup full', undefined],
    ['0 2 * * * mytimetiles backup full', undefined],
    ['0 2 * * * timetiles backup verify', undefined],
    ['0 2 * * * timetiles backup --if-older-than 25h', undefined],
    ['0 2 * * * timetiles up', undefined],
    ['0 2 * * * echo about timetiles backups', undefined],
    ['', undefined],
  ])('%j', (line, program) => {
    expect(readEarlierLine(line, {namesUser: false})).toEqual(program === undefined ? undefined : {line, program, isPlain: true});
  });

  it('with other things beside the backup are told, and stay', () => {
    for (const line of ['0 2 * * * timetiles backup full && curl https://example.org/ping', '0 2 * * * (timetiles backup db; timetiles backup uploads) 2>&1', '0 2 * * * flock /run/x timetiles backup full']) {
      expect(readEarlierLine(line, {namesUser: false})).toMatchObject({isPlain: false});
    }
  });

  it('of the system name a user', () => {
    expect(readEarlierLine('0 3 * * 0 app /opt/timetiles/timetiles backup full', {namesUser: true})).toMatchObject({program: '/opt/timetiles/timetiles', isPlain: true});
    expect(readEarlierLine('0 3 * * 0 app /opt/timetiles/timetiles backup full', {namesUser: false})?.isPlain).not.toBe(true);
  });
});

const crontab = '# TimeTiles \u00ff\nSHELL=/bin/bash\n\n0 2 * * * /opt/timetiles/timetiles backup db\r\n*/5 * * * * /opt/timetiles/scripts/health-check.sh\n0 3 * * 0 timetiles backup full';

it('a line that is set aside is a comment, and comes back byte for byte', () => {
  const lines = new Set(findEarlierLines(crontab, {namesUser: false}).map(({line}) => line));
  const aside = setAside(crontab, '/opt/ü', lines);
  expect(findEarlierLines(aside, {namesUser: false})).toEqual([]);
  expect(aside?.split('\n').filter((line) => !line.startsWith('#'))).toEqual(['SHELL=/bin/bash', '', '*/5 * * * * /opt/timetiles/scripts/health-check.sh']);
  expect(linesSetAside(aside, '/opt/ü')).toEqual([...lines]);
  expect(bringBack(aside, '/opt/other')).toBe(aside);
  expect(bringBack(aside, '/opt/ü')).toBe(crontab);
  expect([setAside(undefined, 'x', lines), bringBack(undefined, 'x')]).toEqual([undefined, undefined]);
});

it('lines of another installation stay, and so does the bare command once this tool has the name', () => {
  const first = {home: '/opt/timetiles', owner: '/opt/timetiles', isFirst: true};
  const [script = '', bare = ''] = crontab.split('\n').filter((line) => line.includes('backup'));
  expect([...linesToReplace(crontab, first)]).toEqual([script, bare]);
  expect([...linesToReplace(crontab, {...first, isFirst: false})]).toEqual([script]);
  expect([...linesToReplace(crontab, {...first, home: '/srv/another'})]).toEqual([bare]);
  expect([...linesToReplace('0 2 * * * /opt/timetiles/backups/auto-backup.sh\n0 2 * * * /srv/x/backups/auto-backup.sh', first)]).toEqual(['0 2 * * * /opt/timetiles/backups/auto-backup.sh']);
});
