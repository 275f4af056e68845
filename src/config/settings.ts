import {isAbsolute} from 'node:path';
import {z} from 'zod';
import {durationHint, parseDuration} from '../shared/duration.ts';
import {defaultRepository} from './home.ts';
import type {Key} from './keys.ts';

const text = z.string().optional();
const wholeNumber = (fallback: number, what: string) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number of ${what}, such as ${fallback}`)
    .transform(Number)
    .default(fallback);
const url = z
  .string()
  .refine((value) => URL.canParse(value) && /^https?:/.test(value), 'must be a URL that begins with https:// or http://')
  .optional();
const absolutePath = z.string().refine((value) => isAbsolute(value), 'must be an absolute path, beginning with /');
const dockerName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, 'must be a Docker name: letters, digits and _ . - only');
const duration = (fallback: number) =>
  z
    .string()
    .refine((value) => parseDuration(value) !== undefined, `must be ${durationHint}`)
    .transform((value) => parseDuration(value) ?? 0)
    .default(fallback);

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port number from 1 to 65535')
  .transform(Number)
  .refine((value) => value >= 1 && value <= 65_535, 'must be a port number from 1 to 65535');
/** The names that BACKUP_SOURCES may hold. */
const sourceNames = new Set(['db', 'uploads']);
const wordsOf = (value: string) => value.split(/[\s,]+/).filter((name) => name !== '');

/** Types, checks and defaults of every key. Input: text by key, empty values removed. */
export const settingsSchema = z.object({
  RESTIC_PASSWORD: text,
  RESTIC_REPOSITORY: absolutePath
    .refine((value) => !value.includes('\n'), 'must be one line')
    .default(defaultRepository),
  RESTIC_OFFSITE_REPOSITORY: text,
  AWS_ACCESS_KEY_ID: text,
  AWS_SECRET_ACCESS_KEY: text,
  AWS_SESSION_TOKEN: text,
  AWS_DEFAULT_REGION: text,
  AWS_ENDPOINT_URL: url,
  BACKUP_KEEP_LAST: wholeNumber(3, 'sets'),
  BACKUP_KEEP_DAILY: wholeNumber(7, 'days'),
  BACKUP_KEEP_WEEKLY: wholeNumber(4, 'weeks'),
  BACKUP_KEEP_MONTHLY: wholeNumber(12, 'months'),
  BACKUP_KEEP_YEARLY: wholeNumber(0, 'years'),
  COMPOSE_PROJECT_NAME: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]*$/, 'must be a compose project name: lower-case letters, digits, - and _')
    .default('timetiles'),
  BACKUP_SOURCES: z
    .string()
    .transform(wordsOf)
    .refine((names) => names.length > 0 && names.every((name) => sourceNames.has(name)), `must be a list of ${[...sourceNames].join(' and ')}`)
    .optional(),
  POSTGRES_CONTAINER: dockerName.optional(),
  DB_NAME: text,
  DB_USER: text,
  DB_PASSWORD: text,
  DB_PORT: port.optional(),
  UPLOADS_VOLUME: dockerName.optional(),
  // Relative ones are the app's: the compose project's directory is only known later (sources/files/host-path.ts).
  UPLOAD_HOST_DIR: z.string().refine((value) => !value.includes('\n'), 'must be one line').optional(),
  DOCKER_HOST: text,
  RESTORE_STOP_SERVICES: z.string().transform(wordsOf).optional(),
  EMAIL_SMTP_HOST: text,
  EMAIL_SMTP_PORT: port.default(587),
  EMAIL_SMTP_USER: text,
  EMAIL_SMTP_PASS: text,
  EMAIL_SMTP_TLS_SERVERNAME: z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'must be the name of a host, such as mail.example.org').optional(),
  EMAIL_FROM: text,
  ALERT_EMAIL: text,
  ALERT_WEBHOOK_URL: url,
  HEARTBEAT_URL: url,
  BACKUP_MIN_FREE_GB: z
    .string()
    .regex(/^\d{1,6}(\.\d+)?$/, 'must be a number of gigabytes, such as 1 or 0.5')
    .transform(Number)
    .default(1),
  BACKUP_UPLOAD_LIMIT_KIB: wholeNumber(0, 'KiB per second (0: no limit)'),
  BACKUP_PRE_COMMAND: text,
  BACKUP_POST_COMMAND: text,
  BACKUP_LOCK_WAIT: duration(600),
  BACKUP_RANDOM_DELAY: duration(0),
  BACKUP_MAX_AGE_HOURS: wholeNumber(26, 'hours'),
  BACKUP_RESTORE_TEST_DAYS: wholeNumber(35, 'days (0: never)'),
  BACKUP_SUSPICIOUS_PERCENT: z
    .string()
    .regex(/^\d{1,2}$/, 'must be a whole number of per cent from 1 to 99, such as 50, or 0 for never')
    .transform(Number)
    .default(50),
  BACKUP_FILES_QUERY: text,
  OFFSITE_EXPIRE_DAYS: wholeNumber(0, 'days (0: never)').refine((days) => days === 0 || days >= 6, 'must be 0 or at least 6: a third of it has to hold more than one night'),
  OFFSITE_BUCKET_LOOKUP: z.enum(['auto', 'dns', 'path'], 'must be auto, dns or path').default('auto'),
  LOG_DIR: absolutePath.default('/var/log/timetiles'),
} satisfies Record<Key, z.ZodType>);

export type Settings = z.output<typeof settingsSchema>;
