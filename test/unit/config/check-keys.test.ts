import {describe, expect, it} from 'vitest';
import {unknownKeyProblem} from '../../../src/config/check-keys.ts';
import {foreignKeys, knownKeys, resticVariables} from '../../../src/config/keys.ts';

describe('unknownKeyProblem', () => {
  it.each(['tool', 'app'] as const)("knows its own keys, restic's and those of images and compose in the file of the %s", (owner) => {
    const known = [...knownKeys, ...resticVariables, ...foreignKeys];
    expect(known.filter((key) => unknownKeyProblem(key, owner) !== undefined)).toEqual([]);
  });

  it.each([
    ['RESTIC_PASWORD', 'RESTIC_PASSWORD'],
    ['RESTIC_PASSWROD', 'RESTIC_PASSWORD'],
    ['BACKUP_KEEP_DAYLY', 'BACKUP_KEEP_DAILY'],
    ['ALERT_MAIL', 'ALERT_EMAIL'],
    ['UPLOAD_VOLUME', 'UPLOADS_VOLUME'],
    ['EMAIL_SMTP_PASSW', 'EMAIL_SMTP_PASS'],
  ])('recognises %s as a misspelt %s in either file', (key, meant) => {
    for (const owner of ['tool', 'app'] as const) expect(unknownKeyProblem(key, owner)).toBe(`${key} is no key of timetiles: did you mean ${meant}?`);
  });

  it.each(['BACKUP_KEEP_HOURLY', 'RESTIC_REPOSITORY_FILE', 'RESTIC_OFFSITE_REPO', 'OFFSITE_BUCKET_NAME', 'RESTORE_SOMETHING'])(
    'reports %s, which cannot be anybody else\'s, in either file',
    (key) => {
      for (const owner of ['tool', 'app'] as const) expect(unknownKeyProblem(key, owner)).toMatch(`${key} is no key of timetiles: remove it`);
    },
  );

  it.each([
    'DB_POOL_MAXIMUM', 'DB_POOL', 'DB_NAME2', 'DB_ROOT', 'EMAIL_TEMPLATE_FOLDER', 'EMAIL_SMTP_SECURE', 'EMAIL_SMTP_PASSWORD', 'EMAIL_FROM_NAME', 'UPLOAD_DIR', 'UPLOAD_MAXIMUM_BYTES',
    'AWS_BUCKET_FOR_AVATARS', 'BACKUP_BUCKET', 'ALERT_SLACK_CHANNEL', 'HEARTBEAT_INTERVAL',
  ])(
    "leaves %s to the app in its own file, and reports it in the tool's",
    (key) => {
      expect(unknownKeyProblem(key, 'app')).toBeUndefined();
      expect(unknownKeyProblem(key, 'tool')).toContain(key);
    },
  );

  it.each(['DATABASE_URI', 'PAYLOAD_SECRET', 'NODE_ENV', 'SMTP_HOST'])('never minds %s', (key) => {
    for (const owner of ['tool', 'app'] as const) expect(unknownKeyProblem(key, owner)).toBeUndefined();
  });
});
