import {z} from 'zod';
import {listMembers} from '../../docker/containers.ts';
import {TimetilesError} from '../../shared/errors.ts';
import {plural} from '../../shared/format.ts';
import {chooseOneOf} from '../../config/setting-line.ts';
import type {SourceContext} from '../source.ts';
import {chooseDatabase, databaseCandidates, namedByApp, type ServerDatabase} from './choose-database.ts';
import {connectDatabase, type Connection} from './connection.ts';
import {readDatabaseNames} from './database-names.ts';
import {isOfExtension} from './facts.ts';
import {unknownDatabase} from './failure.ts';
import {requireDatabase} from './require-database.ts';
import type {Ask} from './psql.ts';

/** Tables that somebody made; those that extensions bring are in every fresh database. */
export const tablesQuery = `
select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm', 'f') and c.relpersistence <> 't' and n.nspname <> 'information_schema' and left(n.nspname, 3) <> 'pg_'
  and not ${isOfExtension}`;

/** All databases that hold anybody's data: no templates, none that is invalid or closed, none that a restore of ours made or keeps. */
const listQuery = `
select json_build_object('tables', (${tablesQuery}), 'names', (
  select coalesce(json_agg(datname order by datname), '[]') from pg_database
  where datname = current_database()
     or (datallowconn and not datistemplate and datconnlimit <> -2 and datname !~ '^timetiles_(new|old)_[0-9a-z]+$')));`;
const listSchema = z.object({tables: z.number(), names: z.array(z.string())});

/** Databases that are there without anybody's doing. */
const maintenanceNames = ['postgres', 'template1'];
/** No server that this tool is made for has more of them. */
const databasesLookedInto = 50;

export interface FindDatabases {
  /** The database that the newest backup of this source holds. */
  readonly earlier: string | undefined;
}

export interface FoundDatabases {
  /** To the main one. */
  readonly connection: Connection;
  /** What the container's environment, or DB_NAME, names as the main one. */
  readonly preferred: string;
  /** The others that are to be saved, each as a source of its own. */
  readonly further: readonly string[];
  /** Others with data that nothing covers. */
  readonly leftOut: readonly ServerDatabase[];
  /** What was decided without being told, in words. */
  readonly notes: readonly string[];
}

/**
 * Finds the databases that are to be saved: those of DB_NAME, else the one with the app's data.
 * @param ask asks the server of the connection
 * @throws TimetilesError `ambiguous` with a line for each where several may be it
 */
export async function findDatabases(context: SourceContext, connection: Connection, request: FindDatabases, ask: Ask): Promise<FoundDatabases> {
  const {names, all} = readDatabaseNames(context.settings.DB_NAME);
  if (names.length > 0 || connection.refusal !== undefined) requireDatabase(connection);
  const found = await listDatabases(connection, ask);
  const isSettled = names.length > 0 || (found.tables ?? 0) > 0;
  const looksAt = (name: string) => name !== connection.database && !names.includes(name);
  const others = await lookInto(found.names.filter(looksAt).slice(0, databasesLookedInto), ask);
  const own = found.tables === null ? [] : [{name: connection.database, tables: found.tables}];
  const main = isSettled ? connection.database : await settle(context, connection, {...request, databases: [...own, ...others], all});
  const rest = others.filter(({name, tables}) => name !== main && tables !== 0);
  const notes = main === connection.database ? [] : [`${connection.database}, the database that the container names, ${found.tables === null ? 'is not there' : 'has no tables'}: ${main} is saved`];
  const further = [...names.slice(1), ...(all ? rest.map(({name}) => name) : [])];
  const chosen = main === connection.database ? connection : await connectDatabase(context, main);
  requireDatabase(chosen);
  return {connection: chosen, preferred: connection.database, further, leftOut: all ? [] : rest, notes};
}

/** What the server has. Tables: of the connection's database; null where that one is not there. */
async function listDatabases(connection: Connection, ask: Ask): Promise<{tables: number | null; names: string[]}> {
  if (connection.server.hasDatabase) return list(ask, connection.database);
  for (const name of maintenanceNames) {
    const found = await list(ask, name).catch(ignoreRefusal);
    if (found) return {tables: null, names: found.names.filter((other) => other !== 'template1')};
  }
  throw unknownDatabase(connection, connection.database);
}

async function list(ask: Ask, database: string): Promise<{tables: number; names: string[]}> {
  const [line = ''] = await ask(listQuery, database);
  return listSchema.parse(JSON.parse(line));
}

async function lookInto(names: readonly string[], ask: Ask): Promise<ServerDatabase[]> {
  const found: ServerDatabase[] = [];
  for (const name of names) {
    const lines = await ask(`${tablesQuery};`, name).catch(ignoreRefusal);
    found.push({name, tables: lines === undefined ? null : Number(lines[0])});
  }
  return found;
}

/** A database that this user may not connect to is none of the app's that can be saved. */
function ignoreRefusal(error: unknown): undefined {
  if (error instanceof TimetilesError && error.kind === 'database') return undefined;
  throw error;
}

async function settle(context: SourceContext, connection: Connection, request: FindDatabases & {databases: readonly ServerDatabase[]; all: boolean}): Promise<string> {
  const {databases, all, earlier} = request;
  const choice = chooseDatabase({preferred: connection.database, databases, earlier});
  if (choice.state === 'found' || choice.state === 'instead') return choice.name;
  const shown = choice.databases.map(({name, tables}) => `${name} (${plural(tables ?? 0, 'table')})`).join(', ');
  const candidates = databaseCandidates(choice.databases);
  const {name: container} = connection.container;
  if (choice.state === 'lost') {
    const next = chooseOneOf(candidates, `If its data is lost: timetiles restore latest --only db. If another one is to be saved from now on, write its line into bootstrap.conf:`);
    throw new TimetilesError('database', `the database ${choice.name}, which the newest backup holds, has no tables any more in the container ${container}; there are: ${shown}`, next);
  }
  const [named, second] = namedByApp(await listMembers(connection.docker, context.settings.COMPOSE_PROJECT_NAME), choice.databases);
  if (named !== undefined && second === undefined) return named;
  // All of them are saved, whichever comes first.
  const [first] = choice.databases;
  if (all && first) return first.name;
  throw new TimetilesError('ambiguous', `${connection.database} in the container ${container} has no tables, but several other databases have: ${shown}`, chooseOneOf(candidates), {candidates});
}
