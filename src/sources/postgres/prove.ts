import {z} from 'zod';
import {messageOf} from '../../shared/errors.ts';
import {plural} from '../../shared/format.ts';
import type {Check} from '../source.ts';
import type {Connection} from './connection.ts';
import {compareRows} from './compare.ts';
import type {DatabaseDetails} from './facts.ts';
import {longQueryLimit, queryJson, runSql} from './psql.ts';

/** So many names of what is wrong are told. */
const namesToTell = 5;

const structureSchema = z.object({
  extensions: z.array(z.object({name: z.string(), version: z.string()})),
  indexes: z.number(),
  invalidIndexes: z.array(z.string()),
  constraints: z.number(),
  unvalidated: z.array(z.string()),
  canCheckIndexes: z.boolean(),
});

const structureQuery = `
select json_build_object(
  'extensions', (select coalesce(json_agg(json_build_object('name', extname, 'version', extversion)), '[]') from pg_extension),
  'indexes', (select count(*) from pg_index),
  'invalidIndexes', (select coalesce(json_agg(indexrelid::regclass::text), '[]') from pg_index where not (indisvalid and indisready and indislive)),
  'constraints', (select count(*) from pg_constraint),
  'unvalidated', (select coalesce(json_agg(format('%s on %s', conname, conrelid::regclass)), '[]') from pg_constraint where not convalidated),
  'canCheckIndexes', exists (select from pg_available_extensions where name = 'amcheck')
    and (select rolsuper from pg_roles where rolname = current_user));`;

/**
 * Walks through every B-tree by amcheck, which the transaction takes away again where it was not there before.
 * See "amcheck" in the PostgreSQL manual.
 */
const indexCheck = `
begin;
create extension if not exists amcheck;
select format('select count(*) from (select %I.bt_index_check(c.oid) from pg_index i join pg_class c on c.oid = i.indexrelid
    join pg_am a on a.oid = c.relam where a.amname = ''btree'' and c.relkind = ''i'' and c.relpersistence <> ''t'' and i.indisvalid) checked;', n.nspname)
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'amcheck'
\\gexec
rollback;`;

/**
 * Compares a restored database with what the manifest says of it, and looks through its indexes and constraints. Nothing
 * in it is changed.
 * @param facts what the manifest says of it, or why there is nothing to compare with
 */
export async function proveDatabase(connection: Connection, facts: DatabaseDetails | string, run: string): Promise<Check[]> {
  const structure = structureSchema.parse(await queryJson(connection, structureQuery, {run, limit: longQueryLimit}));
  return [
    await proveCounts(connection, facts, run),
    proveExtensions(structure.extensions, typeof facts === 'string' ? undefined : facts),
    listed('indexes', structure.indexes, 'index', structure.invalidIndexes, 'invalid'),
    // One that was declared NOT VALID is dumped and restored as such.
    {name: 'constraints', state: 'passed', detail: `${plural(structure.constraints, 'constraint')}${structure.unvalidated.length === 0 ? ', all validated' : `; NOT VALID as in the dump: ${someOf(structure.unvalidated)}`}`},
    structure.canCheckIndexes ? await proveTrees(connection, run) : {name: 'amcheck', state: 'skipped', detail: 'the server does not have amcheck, or the user may not make it'},
  ];
}

async function proveCounts(connection: Connection, facts: DatabaseDetails | string, run: string): Promise<Check> {
  if (typeof facts === 'string') return {name: 'rows', state: 'skipped', detail: facts};
  const {wrong, rows, tables} = await compareRows(connection, facts, {run});
  if (wrong.length === 0) return {name: 'rows', state: 'passed', detail: `${plural(rows, 'row')} in ${plural(tables, 'table')}, as the manifest says`};
  return {name: 'rows', state: 'failed', detail: someOf(wrong)};
}

function proveExtensions(present: readonly {name: string; version: string}[], details: DatabaseDetails | undefined): Check {
  const missing = (details?.extensions ?? []).filter(({name}) => !present.some((extension) => extension.name === name));
  if (missing.length > 0) return {name: 'extensions', state: 'failed', detail: `missing: ${someOf(missing.map(({name}) => name))}`};
  return {name: 'extensions', state: 'passed', detail: someOf(present.map(({name, version}) => `${name} ${version}`), present.length)};
}

async function proveTrees(connection: Connection, run: string): Promise<Check> {
  try {
    const [count = '0'] = await runSql(connection, indexCheck, {run, limit: longQueryLimit});
    return {name: 'amcheck', state: 'passed', detail: `${plural(Number(count), 'B-tree index', 'B-tree indexes')} checked`};
  } catch (error) {
    connection.docker.signal?.throwIfAborted();
    return {name: 'amcheck', state: 'failed', detail: messageOf(error)};
  }
}

function listed(name: string, count: number, what: string, bad: readonly string[], how: string): Check {
  if (bad.length === 0) return {name, state: 'passed', detail: `${plural(count, what, `${what}es`)}, none ${how}`};
  return {name, state: 'failed', detail: `${how}: ${someOf(bad)}`};
}

function someOf(names: readonly string[], limit = namesToTell): string {
  const more = names.length > limit ? ` and ${names.length - limit} more` : '';
  return `${names.slice(0, limit).join(', ')}${more}`;
}
