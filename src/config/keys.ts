/** One configuration key: everything that schema, checks, redaction and documentation need to know of it. */
export interface KeyDefinition<K extends string = string> {
  readonly key: K;
  readonly secret?: true;
}

/** Every key of timetiles, in the groups and the order of bootstrap.conf.example. The schema in settings.ts gives each its type and default. */
export const keyGroups = [
  {
    title: 'Repositories',
    keys: [
      {key: 'RESTIC_PASSWORD', secret: true},
      {key: 'RESTIC_REPOSITORY'},
      {key: 'RESTIC_OFFSITE_REPOSITORY'},
      {key: 'AWS_ACCESS_KEY_ID'},
      {key: 'AWS_SECRET_ACCESS_KEY', secret: true},
      {key: 'AWS_SESSION_TOKEN', secret: true},
      {key: 'AWS_DEFAULT_REGION'},
      {key: 'AWS_ENDPOINT_URL'},
      {key: 'OFFSITE_EXPIRE_DAYS'},
      {key: 'OFFSITE_BUCKET_LOOKUP'},
      {key: 'BACKUP_UPLOAD_LIMIT_KIB'},
    ],
  },
  {
    title: 'How many sets are kept',
    keys: [
      {key: 'BACKUP_KEEP_LAST'},
      {key: 'BACKUP_KEEP_DAILY'},
      {key: 'BACKUP_KEEP_WEEKLY'},
      {key: 'BACKUP_KEEP_MONTHLY'},
      {key: 'BACKUP_KEEP_YEARLY'},
    ],
  },
  {
    title: 'What is backed up',
    keys: [
      {key: 'COMPOSE_PROJECT_NAME'},
      {key: 'BACKUP_SOURCES'},
      {key: 'POSTGRES_CONTAINER'},
      {key: 'DB_NAME'},
      {key: 'DB_USER'},
      {key: 'DB_PASSWORD', secret: true},
      {key: 'DB_PORT'},
      {key: 'UPLOADS_VOLUME'},
      {key: 'UPLOAD_HOST_DIR'},
      {key: 'DOCKER_HOST'},
    ],
  },
  {
    title: 'Running a backup',
    keys: [
      {key: 'BACKUP_MIN_FREE_GB'},
      {key: 'BACKUP_PRE_COMMAND'},
      {key: 'BACKUP_POST_COMMAND'},
      {key: 'BACKUP_LOCK_WAIT'},
      {key: 'BACKUP_RANDOM_DELAY'},
      {key: 'BACKUP_MAX_AGE_HOURS'},
      {key: 'BACKUP_RESTORE_TEST_DAYS'},
      {key: 'BACKUP_SUSPICIOUS_PERCENT'},
      {key: 'BACKUP_FILES_QUERY'},
    ],
  },
  {
    title: 'Restoring',
    keys: [
      {key: 'RESTORE_STOP_SERVICES'},
    ],
  },
  {
    title: 'Alerts',
    keys: [
      {key: 'EMAIL_SMTP_HOST'},
      {key: 'EMAIL_SMTP_PORT'},
      {key: 'EMAIL_SMTP_USER'},
      {key: 'EMAIL_SMTP_PASS', secret: true},
      {key: 'EMAIL_SMTP_TLS_SERVERNAME'},
      {key: 'EMAIL_FROM'},
      {key: 'ALERT_EMAIL'},
      {key: 'ALERT_WEBHOOK_URL', secret: true},
      {key: 'HEARTBEAT_URL', secret: true},
    ],
  },
  {
    title: 'Logs',
    keys: [
      {key: 'LOG_DIR'},
    ],
  },
] as const satisfies readonly {title: string; keys: readonly KeyDefinition[]}[];

export type Key = (typeof keyGroups)[number]['keys'][number]['key'];

export const keyDefinitions: readonly KeyDefinition<Key>[] = keyGroups.flatMap((group): readonly KeyDefinition<Key>[] => group.keys);

export const knownKeys: ReadonlySet<string> = new Set(keyDefinitions.map((definition) => definition.key));
const secretKeys: readonly Key[] = keyDefinitions.flatMap((definition) => (definition.secret ? [definition.key] : []));

/** Commands that are run by a shell, which expands the variables in them itself. */
export const shellKeys: ReadonlySet<string> = new Set(['BACKUP_PRE_COMMAND', 'BACKUP_POST_COMMAND'] satisfies Key[]);

/** Families that are certainly this tool's: an unknown key in any file is a mistake. */
export const ownFamilies = ['RESTIC_', 'BACKUP_KEEP_', 'OFFSITE_', 'RESTORE_'];

/**
 * All families. An unknown key of these is a mistake in `bootstrap.conf`; in the app's own `.env.production` only when it is a likely
 * misspelling of one of ours, since the app may have keys like these.
 */
export const families = [...ownFamilies, 'BACKUP_', 'ALERT_', 'HEARTBEAT_', 'AWS_', 'COMPOSE_', 'POSTGRES_', 'DB_', 'UPLOADS_', 'UPLOAD_', 'EMAIL_', 'EMAIL_SMTP_'];

/**
 * Environment variables that restic itself documents (restic manual, "Environment Variables", 0.14 to 0.19) and that
 * reach it unchanged. RESTIC_REPOSITORY_FILE is not among them: this tool needs the path itself.
 */
export const resticVariables: ReadonlySet<string> = new Set([
  'RESTIC_PASSWORD_FILE',
  'RESTIC_PASSWORD_COMMAND',
  'RESTIC_KEY_HINT',
  'RESTIC_CACERT',
  'RESTIC_TLS_CLIENT_CERT',
  'RESTIC_CACHE_DIR',
  'RESTIC_COMPRESSION',
  'RESTIC_HOST',
  'RESTIC_PROGRESS_FPS',
  'RESTIC_PACK_SIZE',
  'RESTIC_READ_CONCURRENCY',
  'RESTIC_FEATURES',
  'RESTIC_HTTP_USER_AGENT',
  'RESTIC_REST_USERNAME',
  'RESTIC_REST_PASSWORD',
  'RESTIC_AWS_ASSUME_ROLE_ARN',
  'RESTIC_AWS_ASSUME_ROLE_SESSION_NAME',
  'RESTIC_AWS_ASSUME_ROLE_EXTERNAL_ID',
  'RESTIC_AWS_ASSUME_ROLE_POLICY',
  'RESTIC_AWS_ASSUME_ROLE_REGION',
  'RESTIC_AWS_ASSUME_ROLE_STS_ENDPOINT',
  // Of the backends that only restic speaks to.
  'B2_ACCOUNT_ID',
  'B2_ACCOUNT_KEY',
  'AZURE_ACCOUNT_NAME',
  'AZURE_ACCOUNT_KEY',
  'AZURE_ACCOUNT_SAS',
  'AZURE_ENDPOINT_SUFFIX',
  'AZURE_FORCE_CLI_CREDENTIAL',
  'GOOGLE_PROJECT_ID',
  'GOOGLE_APPLICATION_CREDENTIALS',
  'OS_AUTH_URL',
  'OS_REGION_NAME',
  'OS_USERNAME',
  'OS_USER_ID',
  'OS_PASSWORD',
  'OS_TENANT_ID',
  'OS_TENANT_NAME',
  'OS_USER_DOMAIN_NAME',
  'OS_USER_DOMAIN_ID',
  'OS_PROJECT_NAME',
  'OS_PROJECT_DOMAIN_NAME',
  'OS_PROJECT_DOMAIN_ID',
  'OS_TRUST_ID',
  'OS_APPLICATION_CREDENTIAL_ID',
  'OS_APPLICATION_CREDENTIAL_NAME',
  'OS_APPLICATION_CREDENTIAL_SECRET',
  'OS_STORAGE_URL',
  'OS_AUTH_TOKEN',
  'SWIFT_DEFAULT_CONTAINER_POLICY',
  'ST_AUTH',
  'ST_USER',
  'ST_KEY',
  'RCLONE_BWLIMIT',
]);

/** Those of them that hold a secret. */
const resticSecrets = ['RESTIC_REST_PASSWORD', 'B2_ACCOUNT_KEY', 'AZURE_ACCOUNT_KEY', 'AZURE_ACCOUNT_SAS', 'OS_PASSWORD', 'OS_APPLICATION_CREDENTIAL_SECRET', 'OS_AUTH_TOKEN', 'ST_KEY'];

/** Every variable whose value is a secret. */
export const secretNames: ReadonlySet<string> = new Set([...secretKeys, ...resticSecrets]);

/** Keys of the shared families that PostgreSQL images, compose and the AWS tools document: not ours, and no mistake. */
export const foreignKeys: ReadonlySet<string> = new Set([
  'POSTGRES_USER',
  'POSTGRES_PASSWORD',
  'POSTGRES_PASSWORD_FILE',
  'POSTGRES_DB',
  'POSTGRES_PASS',
  'POSTGRES_DBNAME',
  'POSTGRES_HOST',
  'POSTGRES_PORT',
  'POSTGRES_INITDB_ARGS',
  'POSTGRES_HOST_AUTH_METHOD',
  'POSTGRES_VERSION',
  'POSTGRES_IMAGE',
  'DB_HOST',
  'DB_SSL',
  'DB_SSL_MODE',
  'DB_URL',
  'DB_PASS',
  'COMPOSE_FILE',
  'COMPOSE_PROFILES',
  'COMPOSE_PATH_SEPARATOR',
  'COMPOSE_BAKE',
  'COMPOSE_IGNORE_ORPHANS',
  'COMPOSE_REMOVE_ORPHANS',
  'COMPOSE_PARALLEL_LIMIT',
  'AWS_REGION',
  'AWS_PROFILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_CONFIG_FILE',
  'AWS_CA_BUNDLE',
]);
