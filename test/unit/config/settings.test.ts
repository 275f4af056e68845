import {describe, expect, it} from 'vitest';
import {knownKeys} from '../../../src/config/keys.ts';
import {settingsSchema} from '../../../src/config/settings.ts';

describe('settingsSchema', () => {
  it('has the keys of the table, and the defaults of the contract', () => {
    expect(Object.keys(settingsSchema.shape).toSorted()).toEqual([...knownKeys].toSorted());
    expect(settingsSchema.parse({})).toEqual({
      RESTIC_REPOSITORY: '/opt/timetiles/backups/restic-repo',
      BACKUP_KEEP_LAST: 3, BACKUP_KEEP_DAILY: 7, BACKUP_KEEP_WEEKLY: 4, BACKUP_KEEP_MONTHLY: 12, BACKUP_KEEP_YEARLY: 0,
      COMPOSE_PROJECT_NAME: 'timetiles', EMAIL_SMTP_PORT: 587,
      BACKUP_MIN_FREE_GB: 1, BACKUP_UPLOAD_LIMIT_KIB: 0, BACKUP_LOCK_WAIT: 600, BACKUP_RANDOM_DELAY: 0, BACKUP_MAX_AGE_HOURS: 26, BACKUP_RESTORE_TEST_DAYS: 35, BACKUP_SUSPICIOUS_PERCENT: 50, OFFSITE_EXPIRE_DAYS: 0, OFFSITE_BUCKET_LOOKUP: 'auto', LOG_DIR: '/var/log/timetiles',
    });
  });

  it.each([
    ['BACKUP_KEEP_LAST', '10', 10],
    ['BACKUP_MIN_FREE_GB', '0.5', 0.5],
    ['BACKUP_RANDOM_DELAY', '90', 90],
    ['BACKUP_RANDOM_DELAY', '90s', 90],
    ['BACKUP_RANDOM_DELAY', '15m', 900],
    ['BACKUP_RANDOM_DELAY', '2h', 7200],
    ['RESTORE_STOP_SERVICES', ' web, worker  mail ', ['web', 'worker', 'mail']],
    ['COMPOSE_PROJECT_NAME', 'my_shop-2', 'my_shop-2'],
    ['BACKUP_SUSPICIOUS_PERCENT', '0', 0],
    ['EMAIL_SMTP_PORT', '465', 465],
    ['UPLOAD_HOST_DIR', '/srv/with space', '/srv/with space'],
    ['HEARTBEAT_URL', 'https://hc-ping.com/x', 'https://hc-ping.com/x'],
  ] as const)('reads %s="%s"', (key, text, value) => {
    expect(settingsSchema.parse({[key]: text})[key]).toEqual(value);
  });

  it.each([
    ['BACKUP_KEEP_LAST', '-1', 'must be a whole number of sets'],
    ['BACKUP_KEEP_LAST', '1.5', 'must be a whole number of sets'],
    ['BACKUP_MIN_FREE_GB', '10GB', 'must be a number of gigabytes'],
    ['BACKUP_RANDOM_DELAY', '2 hours', 'must be a number of seconds'],
    ['BACKUP_MAX_AGE_HOURS', '1d', 'must be a whole number of hours'],
    ['BACKUP_SUSPICIOUS_PERCENT', '100', 'must be a whole number of per cent'],
    ['RESTIC_REPOSITORY', 's3:bucket', 'must be an absolute path'],
    ['RESTIC_REPOSITORY', './repo', 'must be an absolute path'],
    ['COMPOSE_PROJECT_NAME', 'My Shop', 'must be a compose project name'],
    ['POSTGRES_CONTAINER', '-rf', 'must be a Docker name'],
    ['UPLOADS_VOLUME', 'a/b', 'must be a Docker name'],
    ['EMAIL_SMTP_PORT', 'smtp', 'must be a port number'],
    ['EMAIL_SMTP_PORT', '70000', 'must be a port number'],
    ['EMAIL_SMTP_PORT', '0', 'must be a port number'],
    ['ALERT_WEBHOOK_URL', 'example.org', 'must be a URL'],
    ['AWS_ENDPOINT_URL', 'ftp://example.org', 'must be a URL'],
  ])('refuses %s="%s"', (key, text, message) => {
    const result = settingsSchema.safeParse({[key]: text});
    expect(result.error?.issues[0]).toMatchObject({path: [key], message: expect.stringContaining(message)});
  });
});
