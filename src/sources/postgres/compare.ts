import {z} from 'zod';
import type {Connection} from './connection.ts';
import {isOfExtension, parseTableCounts, tableCountsQuery, wrongCounts, type DatabaseDetails, type TableCount} from './facts.ts';
import {longQueryLimit, queryJson, runSql} from './psql.ts';

/** What has other rows after a good restore: a materialised view is filled anew, and what an extension brings is its own. */
const otherRowsQuery = `
select coalesce(json_agg(json_build_array(n.nspname, c.relname)), '[]')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'm' or ${isOfExtension};`;

export interface Comparison {
  /** What is not as the manifest says, a line per table. */
  readonly wrong: readonly string[];
  readonly rows: number;
  readonly tables: number;
}

/** Compares the rows of a restored database with those that the manifest tells. Sets of earlier versions also counted what has other rows. */
export async function compareRows(connection: Connection, details: DatabaseDetails, options: {readonly database?: string; readonly run: string}): Promise<Comparison> {
  const other = z.array(z.tuple([z.string(), z.string()])).parse(await queryJson(connection, otherRowsQuery, {...options, limit: longQueryLimit}));
  const ignored = new Set(other.map((name) => JSON.stringify(name)));
  const isMeasure = ([schema, table]: TableCount) => !ignored.has(JSON.stringify([schema, table]));
  const found = parseTableCounts(await runSql(connection, tableCountsQuery, {...options, limit: longQueryLimit})).filter(isMeasure);
  const wrong = wrongCounts(details.tables.filter(isMeasure), found);
  return {wrong, rows: found.reduce((sum, [, , count]) => sum + count, 0), tables: found.length};
}
