import {z} from 'zod';
import {printable} from '../../shared/printable.ts';
import {applicationPrefix} from './programs.ts';
import {endLeftoverSessionsSql} from './psql.ts';
import type {Session} from './session.ts';
import {literal} from './sql.ts';

// A guard looks after the sessions of a backup from one of its own. That session must never hold a lock on anything, not
// even on a catalog: so it calls the functions behind pg_locks and pg_stat_activity, since the views would be locked.

/** What a backup's sessions are called in pg_stat_activity, each a name of the run followed by what it does. */
export function sessionName(run: string, part: 'dump' | 'count' | 'files'): string {
  return `${run}-${part}`;
}

const situationSchema = z.object({
  /** The server process of pg_dump, once it is connected. */
  dump: z.number().nullable(),
  /** Whether pg_dump waits for a lock. */
  waits: z.boolean(),
  /** How many tables it has locked. */
  locked: z.number(),
  /** Whether it writes out the rows of a table. */
  copies: z.boolean(),
  /** Whether the app waits for a session of this run. */
  blocks: z.boolean(),
});
export type Situation = z.output<typeof situationSchema>;

const holderSchema = z.object({
  pid: z.number(),
  user: z.string().nullable(),
  application: z.string().nullable(),
  state: z.string().nullable(),
  /** How long its transaction has been open, in seconds. */
  seconds: z.number().nullable(),
  /** The first word of its last statement; the rest of it may hold anything. */
  command: z.string().nullable(),
  waits: z.boolean(),
});

const obstacleSchema = z.object({
  /** What pg_dump waits for, and its oid, where it is a relation. */
  table: z.string().nullable(),
  oid: z.number().nullable(),
  holders: z.array(holderSchema),
  /** A prepared transaction holds locks without a process. */
  prepared: z.boolean(),
});
/** What keeps pg_dump waiting. */
export type Obstacle = z.output<typeof obstacleSchema>;

/** Looks after the sessions of one run. */
export interface Guard {
  /** Opens the transaction whose snapshot the other sessions take over. */
  exportSnapshot(): Promise<string>;
  look(): Promise<Situation>;
  /** What pg_dump waits for; undefined when it waits no more. */
  findObstacle(): Promise<Obstacle | undefined>;
  /** Whether something holds, or waits for, a lock on this relation that keeps readers out. */
  isContended(oid: number): Promise<boolean>;
  /** Whether definitions have changed since the snapshot was exported. Ends the transaction. */
  hasChanged(): Promise<boolean>;
  end(part: 'dump' | 'count' | 'files'): Promise<void>;
  /** Ends the transaction, and with it the snapshot. */
  release(): Promise<void>;
}

/** Ends what other runs left in the server, and looks after this one. */
export async function startGuard(session: Session, run: string): Promise<Guard> {
  await session.query(endLeftoverSessionsSql(run));
  const ask = async (sql: string): Promise<unknown> => {
    const [line = 'null'] = await session.query(`select pg_stat_clear_snapshot();\n${sql}`);
    return JSON.parse(line);
  };
  return {
    async exportSnapshot() {
      const [snapshot = ''] = await session.query('begin isolation level repeatable read, read only; select pg_export_snapshot();');
      return snapshot;
    },
    look: async () => situationSchema.parse(await ask(situationQuery(run))),
    async findObstacle() {
      const obstacle = obstacleSchema.parse(await ask(obstacleQuery(run)));
      return obstacle.holders.length > 0 || obstacle.prepared ? obstacle : undefined;
    },
    isContended: async (oid) => z.boolean().parse(await ask(contentionQuery(oid))),
    async hasChanged() {
      const then = await ask(definitionsQuery);
      await session.query('rollback;');
      return then !== (await ask(definitionsQuery));
    },
    async end(part) {
      await session.query(`select pg_terminate_backend(pid) from pg_stat_get_activity(null) where application_name = ${applicationName(sessionName(run, part))};`);
    },
    async release() {
      // A session that is gone holds nothing any more, and the dump is whole without it.
      await session.query('rollback;').catch(() => undefined);
    },
  };
}

function applicationName(run: string): string {
  return literal(`${applicationPrefix}${run}`);
}

function situationQuery(run: string): string {
  const name = applicationName(run);
  return `
with ours as (
  select pid, query, application_name = ${applicationName(sessionName(run, 'dump'))} as dumps from pg_stat_get_activity(null)
  where left(application_name, length(${name})) = ${name}),
locks as (select * from pg_lock_status()),
dumping as (select l.* from locks l join ours o on o.pid = l.pid and o.dumps)
select json_build_object(
  'dump', (select max(pid) from ours where dumps),
  'waits', exists (select from dumping where not granted),
  'locked', (select count(*) from dumping where granted and locktype = 'relation' and relation >= 16384),
  'copies', exists (select from ours where dumps and query like 'COPY %'),
  'blocks', exists (
    select from (select distinct pid from locks where not granted and pid not in (select pid from ours)) waiting
    where pg_blocking_pids(waiting.pid) && array(select pid from ours)));`;
}

/** Follows the chain of those who wait, since whoever holds the lock may stand behind others who only wait for it. */
function obstacleQuery(run: string): string {
  const name = applicationName(run);
  return `
with recursive ours as (
  select pid, application_name = ${applicationName(sessionName(run, 'dump'))} as dumps from pg_stat_get_activity(null)
  where left(application_name, length(${name})) = ${name}),
wanted as (select relation from pg_lock_status() where not granted and locktype = 'relation' and pid in (select pid from ours where dumps) limit 1),
chain(pid, depth) as (
  select b, 1 from ours, unnest(pg_blocking_pids(pid)) b where dumps
  union select b, depth + 1 from chain, unnest(pg_blocking_pids(pid)) b where depth < 4 and pid not in (select pid from ours))
select json_build_object(
  'table', (select relation::regclass::text from wanted), 'oid', (select relation::bigint from wanted),
  'prepared', exists (select from chain where pid = 0),
  'holders', (select coalesce(json_agg(json_build_object(
      'pid', pid, 'user', case when usesysid <> 0 then pg_get_userbyid(usesysid) end, 'application', application_name, 'state', state,
      'seconds', extract(epoch from clock_timestamp() - xact_start)::bigint,
      'command', upper(substring(query from '^\\s*([A-Za-z]{2,20})\\M')), 'waits', cardinality(pg_blocking_pids(pid)) > 0)
      order by cardinality(pg_blocking_pids(pid)) > 0, pid), '[]')
    from pg_stat_get_activity(null) where pid in (select pid from chain) and pid not in (select pid from ours)));`;
}

function contentionQuery(oid: number): string {
  return `select to_json(exists (select from pg_lock_status() where locktype = 'relation' and relation = ${oid} and mode = 'AccessExclusiveLock'));`;
}

/**
 * A digest of what there is. pg_dump lists what its snapshot shows, then locks it and asks for each definition by functions that see
 * the present: what was dropped in between makes it fail.
 */
const definitionsQuery = `
with lasting as (select oid from pg_namespace where nspname !~ '^pg_(temp|toast)'),
relations as (select oid, relname from pg_class where relnamespace in (select oid from lasting)),
parts(part) as (
  select md5(string_agg(format('%s %s', oid, relname), ',' order by oid)) from relations
  union all select md5(string_agg(format('%s %s %s %s', attrelid, attnum, attname, atttypid), ',' order by attrelid, attnum))
    from pg_attribute where attrelid in (select oid from relations) and not attisdropped
  union all select md5(string_agg(oid::text, ',' order by oid)) from pg_proc
  union all select md5(string_agg(oid::text, ',' order by oid)) from pg_type where typnamespace in (select oid from lasting)
  union all select md5(string_agg(oid::text, ',' order by oid)) from pg_constraint
  union all select md5(string_agg(oid::text, ',' order by oid)) from pg_trigger
  union all select md5(string_agg(oid::text, ',' order by oid)) from pg_policy
  union all select md5(string_agg(oid::text, ',' order by oid)) from pg_operator
  union all select md5(string_agg(oid::text, ',' order by oid)) from pg_namespace where oid in (select oid from lasting))
select to_json(string_agg(part, ',' order by part)) from parts;`;

/** Who holds what, in words: `public.c is locked by process 7 (user app, application worker, idle in transaction for 2m, TRUNCATE)`. Pure. */
export function describeObstacle({table, holders, prepared}: Obstacle): string {
  const [holder] = holders;
  const what = table === null ? 'what pg_dump needs' : `the table ${printable(table)}`;
  if (!holder) return `${what} is locked by a prepared transaction${prepared ? ' (see pg_prepared_xacts)' : ''}`;
  const facts = [
    ...(holder.user === null ? [] : [`user ${printable(holder.user)}`]),
    ...(holder.application ? [`application ${printable(holder.application)}`] : []),
    ...(holder.state === null ? [] : [`${holder.state}${holder.seconds === null ? '' : ` for ${holder.seconds} s`}`]),
    ...(holder.command === null ? [] : [`last statement ${holder.command}`]),
  ];
  const others = holders.length - 1;
  const more = others === 0 ? '' : `; ${others} more ${others === 1 ? 'process is' : 'processes are'} in line for it`;
  return `${what} is locked by process ${holder.pid}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}${prepared ? ' and by a prepared transaction (see pg_prepared_xacts)' : ''}${more}`;
}
