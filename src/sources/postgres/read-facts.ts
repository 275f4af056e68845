import {z} from 'zod';
import {tablesQuery, tablesSchema} from './counting.ts';
import {factsQuery, factsSchema, rolesQuery, rolesSchema} from './facts.ts';
import type {Session} from './session.ts';
import {literal} from './sql.ts';

const readSchema = z.object({...factsSchema.shape, ...rolesSchema.shape, ...tablesSchema.shape});
/** What the manifest tells of a database beside its rows, and the tables to count. */
export type Facts = z.output<typeof readSchema>;

/** Reads the facts as an exported snapshot shows them, in a transaction that ends at once. */
export async function readFacts(session: Session, snapshot: string): Promise<Facts> {
  const script = `begin isolation level repeatable read, read only; set transaction snapshot ${literal(snapshot)};
${factsQuery}
${tablesQuery}
select rolsuper as is_superuser from pg_roles where rolname = current_user \\gset
\\if :is_superuser
${rolesQuery(true)}
\\else
${rolesQuery(false)}
\\endif
commit;`;
  const lines = await session.query(script);
  return readSchema.parse(Object.assign({}, ...lines.map((line): unknown => JSON.parse(line))));
}
