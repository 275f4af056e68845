/** Kinds of PostgreSQL errors that are acted upon ("PostgreSQL Error Codes" in its manual). */
export const sqlstates = {
  /** The server is starting, recovering or shutting down. */
  cannotConnectNow: '57P03',
  connectionFailure: '08006',
  invalidAuthorization: '28000',
  transactionTimeout: '25P04',
  idleSessionTimeout: '57P05',
  unknownDatabase: '3D000',
  diskFull: '53100',
  /** Sessions, slots, subscriptions or prepared transactions hold a database. */
  objectInUse: '55006',
  /** Something else depends on what is to be dropped. */
  dependentObjects: '2BP01',
} as const;

/** `ERROR:  42P01: relation "x" does not exist`, whatever the language of its first word; psql may put file and line before it. */
const reported = /^(?:psql:.*?:\d+: )?\p{L}[\p{L}\p{M} ]*: {1,2}([0-9A-Z]{5}): (.*)$/gmu;
/** Classes of notices: successful completion, warning, no data. */
const notices = new Set(['00', '01', '02']);

interface SqlFailure {
  readonly sqlstate: string;
  /** In the server's language. */
  readonly message: string;
}

/** The error that ended a script, in what psql printed with VERBOSITY=verbose: the last that is no notice. Pure. */
export function sqlFailureIn(stderr: string): SqlFailure | undefined {
  const found = [...stderr.matchAll(reported)].findLast(([, sqlstate = '']) => !notices.has(sqlstate.slice(0, 2)));
  return found && {sqlstate: found[1] ?? '', message: (found[2] ?? '').trim()};
}

/** The first error in what psql or pg_dump printed, without the program's name. */
export function firstError(stderr: string): string {
  const failure = sqlFailureIn(stderr);
  if (failure) return failure.message;
  const lines = stderr.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  const line = lines.find((candidate) => /error:|fatal:|panic:/i.test(candidate)) ?? lines.at(-1) ?? 'it ended without a word';
  const said = line.replace(/^(psql|pg_dump|pg_restore):(<stdin>:\d+:)?\s*/, '').replace(/^error:\s*/i, '').replace(/^.*FATAL:\s+/, '');
  // pg_dump tells what it was doing, and only then why it could not.
  const why = lines.map((candidate) => /detail: Error message from server: (.+)$/.exec(candidate)?.[1]).find((text) => text !== undefined);
  return why === undefined ? said : `${said} ${why}`;
}
