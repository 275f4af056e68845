import {z} from 'zod';
import {isMeasure, ownRelations, type TableCount} from './facts.ts';
import {longQueryLimit} from './psql.ts';
import type {Session} from './session.ts';
import {identifier, literal} from './sql.ts';

const tableSchema = z.object({
  oid: z.number(),
  schema: z.string(),
  table: z.string(),
  /** `"schema"."table"` in the encoding of the database, as hex digits. */
  bytes: z.string(),
  /** Nothing of an unlogged table can be read on a standby server, and pg_dump leaves its rows out. */
  isReadable: z.boolean(),
});
export type CountedTable = z.output<typeof tableSchema>;

export const tablesSchema = z.object({
  tables: z.array(tableSchema),
  /** How many tables pg_dump locks, at most; it may leave those alone that extensions bring. */
  lockable: z.number(),
});

/** The tables that are counted, in the moment of the dump. */
export const tablesQuery = `
select json_build_object(
  'tables', (select coalesce(json_agg(json_build_object(
      'oid', c.oid::bigint, 'schema', n.nspname, 'table', c.relname,
      'bytes', encode(convert_to(format('"%s"."%s"', replace(n.nspname, '"', '""'), replace(c.relname, '"', '""')), getdatabaseencoding()), 'hex'),
      'isReadable', not (c.relpersistence = 'u' and pg_is_in_recovery()))
      order by n.nspname, c.relname), '[]')
    from ${ownRelations} where ${isMeasure}),
  'lockable', (select count(*) from ${ownRelations} where c.relkind in ('r', 'p')));`;

/** How long counting waits for an index that is being rebuilt. The table itself it never waits for. */
const lockMilliseconds = 200;

const countedSchema = z.tuple([z.number(), z.number(), z.boolean()]);

export interface CountedRows {
  readonly counted: readonly TableCount[];
  /** Those that were not counted, for whatever reason. */
  readonly missing: readonly CountedTable[];
}

/**
 * Counts rows beside pg_dump, as its snapshot shows them. It asks for one table at a time, each in a transaction of its own, and does not stand
 * in line: where something waits for the table already, it is not counted here. Never fails, since the stored dump has all rows too.
 * @param dump the server process of pg_dump, while it holds its locks
 */
export async function countRows(session: Session, snapshot: string, tables: readonly CountedTable[], dump: number | undefined): Promise<CountedRows> {
  const rows = new Map<number, number>();
  // One table that cannot be counted must not keep the others from it.
  const script = `\\set ON_ERROR_STOP 0\nset lock_timeout = ${lockMilliseconds};\n${tables.map((table, index) => countScript(snapshot, table, index, dump)).join('')}`;
  const onLine = (line: string) => {
    const [index, count, isSame] = countedSchema.parse(JSON.parse(line));
    if (isSame) rows.set(index, count);
  };
  // It may have been ended for the app's sake: what it has told so far is right.
  await session.query(script, {onLine, limit: longQueryLimit}).catch(() => undefined);
  const counted = tables.flatMap(({schema, table, isReadable}, index): TableCount[] => {
    const count = isReadable ? rows.get(index) : 0;
    return count === undefined ? [] : [[schema, table, count]];
  });
  return {counted, missing: tables.filter(({isReadable}, index) => isReadable && !rows.has(index))};
}

/**
 * Counts one table. The count is that of the dump if both read the same file: a table that was emptied or rewritten since the snapshot
 * looks empty to it. The file is the same while pg_dump holds the table, or as long as it is still the one of the snapshot.
 */
function countScript(snapshot: string, {oid, schema, table, isReadable}: CountedTable, index: number, dump: number | undefined): string {
  if (!isReadable) return '';
  const name = `${identifier(schema)}.${identifier(table)}`;
  const held = dump === undefined ? 'false' : `exists (select from pg_lock_status() where pid = ${dump} and locktype = 'relation' and relation = ${oid} and granted)`;
  return `begin isolation level repeatable read, read only; set transaction snapshot ${literal(snapshot)}; lock table only ${name} in access share mode nowait;
select json_build_array(${index}, count(*), (select case when relfilenode = pg_relation_filenode(oid) then true else ${held} end from pg_class where oid = ${oid})) from only ${name};
commit;
`;
}
