import {z} from 'zod';
import {runExec} from '../../docker/exec.ts';
import {noConnection, sqlError} from './failure.ts';
import {programPath, psqlRequest, type Access} from './programs.ts';
import type {SessionTraits} from './session-settings.ts';
import {literal} from './sql.ts';
import {firstError, sqlFailureIn} from './sqlstate.ts';

/** What a server says of itself when it is reached. */
export interface ServerFacts extends SessionTraits {
  readonly isStandby: boolean;
  /** Whether the database that is wanted is there. */
  readonly hasDatabase: boolean;
  /** Whether the role that is wanted is there. */
  readonly hasRole: boolean;
  /** The networks it listens to, such as `*`; empty: none. */
  readonly listens: string;
  /** When it was started; seconds since 1970. */
  readonly started: number;
  /** How long it has run; seconds. */
  readonly seconds: number;
}

export type Answer =
  /** @param major of the pg_dump that is found first; undefined where none is @param parent the process that started ours: the server's first */
  | {readonly state: 'ready'; readonly facts: ServerFacts; readonly dumpMajor: number | undefined; readonly parent: string | undefined}
  /** Connected to something that is not in this container. */
  | {readonly state: 'foreign'}
  /** The container went down meanwhile. */
  | {readonly state: 'gone'; readonly said: string}
  | {readonly state: 'refused'; readonly said: string; readonly sqlstate: string | undefined}
  /** There is no psql where it was looked for. */
  | {readonly state: 'no-program'};

/** A fresh server that takes longer to let us in than this is asked again; seconds. */
const probeLimit = 60;
const missingProgram: ReadonlySet<number | undefined> = new Set([126, 127]);

const factsSchema = z.object({
  versionNumber: z.number(),
  isSuperuser: z.boolean(),
  isStandby: z.boolean(),
  hasDatabase: z.boolean(),
  hasRole: z.boolean(),
  listens: z.string(),
  started: z.number(),
  seconds: z.number(),
});

/** Knocks at one way to the server, as the role and in the database of `access`, and asks what must be known of it. One docker exec. */
export async function probe(access: Access, wanted: {database: string; user: string; run: string}, settings: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const result = await runExec(access.docker, {...psqlRequest(access, {run: wanted.run, settings}), stdin: {text: probeScript(wanted, access)}, limit: probeLimit});
  if (result.exitCode === noConnection) return {state: 'refused', said: firstError(result.stderr), sqlstate: sqlFailureIn(result.stderr)?.sqlstate};
  if (result.exitCode !== 0) {
    const error = await sqlError(access, result);
    if (error.kind === 'container') return {state: 'gone', said: error.message};
    // An engine without its containerd says nothing of the program either.
    if (error.kind === 'docker') throw error;
    if (missingProgram.has(result.exitCode)) return {state: 'no-program'};
    throw error;
  }
  const {facts, said} = parseProbe(result.stdout);
  const isOverNetwork = access.route.host !== undefined && !access.route.host.startsWith('/');
  if (isOverNetwork && access.container.sharesNetwork && !said.backend?.includes(`(${said.client})`)) return {state: 'foreign'};
  return {state: 'ready', facts, dumpMajor: said.dump === undefined ? undefined : Number(said.dump), parent: said.parent};
}

// Which settings can be named depends on the version. The shell's lines are extras: without a shell they are missing, and psql goes on. A backend's command line names its client's
// port, which nobody else on this machine has at the same time.
function probeScript({database, user}: {database: string; user: string}, {route}: Access): string {
  return `select :SERVER_VERSION_NUM >= 170000 as limits_transactions, :SERVER_VERSION_NUM >= 140000 as limits_sessions \\gset
\\if :limits_transactions
set transaction_timeout = 0;
\\endif
\\if :limits_sessions
set idle_session_timeout = 0;
\\endif
select json_build_object(
  'versionNumber', current_setting('server_version_num')::int,
  'isSuperuser', (select rolsuper from pg_roles where rolname = session_user),
  'isStandby', pg_is_in_recovery(),
  'hasDatabase', exists (select from pg_database where datname = ${literal(database)}),
  'hasRole', exists (select from pg_roles where rolname = ${literal(user)}),
  'listens', coalesce((select setting from pg_settings where name = 'listen_addresses'), '*'),
  'started', extract(epoch from pg_postmaster_start_time()),
  'seconds', extract(epoch from clock_timestamp() - pg_postmaster_start_time()));
select pg_backend_pid() as backend \\gset
select 'client ' || coalesce(inet_client_port()::text, '');
\\setenv TIMETILES_BACKEND :backend
\\! echo "backend $(tr '\\0' ' ' </proc/$TIMETILES_BACKEND/cmdline)" 2>/dev/null; sed -n 's/^PPid:[[:space:]]*/parent /p' /proc/$TIMETILES_BACKEND/status 2>/dev/null; echo "dump $(${programPath(route, 'pg_dump')} --version 2>/dev/null)"
`;
}

/** Pure. */
export function parseProbe(stdout: string): {facts: z.output<typeof factsSchema>; said: Record<'backend' | 'client' | 'parent' | 'dump', string | undefined>} {
  const lines = stdout.split('\n');
  const word = (pattern: RegExp) => lines.map((line) => pattern.exec(line)?.[1]).find((text) => text !== undefined);
  return {
    facts: factsSchema.parse(JSON.parse(lines[0] ?? '')),
    said: {backend: word(/^backend (.*)$/), client: word(/^client (\d+)$/), parent: word(/^parent (\d+)$/), dump: word(/^dump .*?\) (\d+)/)},
  };
}
