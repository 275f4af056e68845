import {z} from 'zod';
import type {Connection} from './connection.ts';
import {queryJson, runSql} from './psql.ts';
import {identifier, literal} from './sql.ts';

const namesSchema = z.array(z.string());

/** The subscriptions of a database that are enabled. */
export async function enabledSubscriptions(connection: Connection, database: string, run: string): Promise<string[]> {
  const query = `select coalesce(json_agg(subname order by subname), '[]') from pg_subscription
    where subenabled and subdbid = (select oid from pg_database where datname = current_database());`;
  return namesSchema.parse(await queryJson(connection, query, {database, run}));
}

/**
 * Stops or starts subscriptions of a database. The data that a restore replaces must not go on taking what the publisher
 * sends: its slot serves the restored one. Those that are not there any more are left out.
 */
export async function switchSubscriptions(connection: Connection, database: string, names: readonly string[], {to, run}: {to: 'enable' | 'disable'; run: string}): Promise<void> {
  if (names.length === 0) return;
  const present = namesSchema.parse(await queryJson(connection, `select coalesce(json_agg(subname), '[]') from pg_subscription
    where subname in (${names.map(literal).join(', ')}) and subdbid = (select oid from pg_database where datname = current_database());`, {database, run}));
  if (present.length > 0) await runSql(connection, present.map((name) => `alter subscription ${identifier(name)} ${to};`).join('\n'), {database, run});
}

/**
 * Takes from a database what keeps it from being dropped: its subscriptions, whose slots at the publisher stay, since the
 * restored database has the same ones, and its own logical slots.
 */
export async function freeDatabase(connection: Connection, name: string, {maintenance, run}: {maintenance: string; run: string}): Promise<void> {
  const here = `(select oid from pg_database where datname = ${literal(name)})`;
  const subscriptions = namesSchema.parse(await queryJson(connection, `select coalesce(json_agg(subname), '[]') from pg_subscription where subdbid = ${here};`, {database: maintenance, run}));
  const drops = subscriptions.map(identifier).map((subscription) => `alter subscription ${subscription} disable; alter subscription ${subscription} set (slot_name = none); drop subscription ${subscription};`);
  if (drops.length > 0) await runSql(connection, drops.join('\n'), {database: name, run});
  await runSql(
    connection,
    `select pg_terminate_backend(active_pid, 10000) from pg_replication_slots where database = ${literal(name)} and active;
     select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = ${literal(name)};`,
    {database: maintenance, run},
  );
}
