import {z} from 'zod';
import {formatBytes, shellWord} from '../../shared/format.ts';
import type {Leftover} from '../leftover.ts';
import type {SourceContext} from '../source.ts';
import {connectDatabase} from './connection.ts';
import {queryJson, runName} from './psql.ts';
import {identifier, maintenanceDatabase} from './sql.ts';
import {dropDatabase} from './swap.ts';

const foundSchema = z.array(z.object({name: z.string(), bytes: z.number().nullable(), isValid: z.boolean(), sessions: z.number()}));

/** What is not whole any more has no size that may be asked for. */
const leftoversQuery = `
select coalesce(json_agg(json_build_object('name', datname, 'isValid', datconnlimit <> -2,
  'bytes', case when datconnlimit <> -2 then pg_database_size(oid) end,
  'sessions', (select count(*) from pg_stat_activity a where a.datid = d.oid)) order by datname), '[]')
from pg_database d where datname ~ '^timetiles_(new|old)_[0-9a-z]+$';`;

/** The databases of the server that have the names of a restore's. */
export async function findDatabaseLeftovers(context: SourceContext): Promise<Leftover[]> {
  const connection = await connectDatabase(context);
  const run = runName(context.restic.repository, 'leftovers');
  const found = foundSchema.parse(await queryJson(connection, leftoversQuery, {database: maintenanceDatabase(connection.database), run}));
  const {container, user} = connection;
  return found.map(({name, bytes, isValid, sessions}) => ({
    restoreId: name.split('_')[2] ?? '',
    kind: name.startsWith('timetiles_new_') ? 'staged' : 'kept',
    description: `the database ${name} in ${container.name}${isValid ? ` (${formatBytes(bytes ?? 0)})` : ', which an interrupted DROP DATABASE has left'}`,
    command: `docker exec -it ${shellWord(container.name)} psql -U ${shellWord(user)} -d ${maintenanceDatabase(connection.database)} -c ${shellWord(`DROP DATABASE ${identifier(name)}`)}`,
    isInUse: sessions > 0,
    remove: () => dropDatabase(connection, name, run),
  }));
}
