import {z} from 'zod';
import {startContainer, stopContainer} from '../../docker/lifecycle.ts';
import type {SourceContext} from '../source.ts';
import {connectDatabase} from './connection.ts';
import {mustBePreloaded} from './extensions.ts';
import type {DatabaseDetails} from './facts.ts';
import {librariesOf} from './fitting.ts';
import {queryJson, runName, runSql} from './psql.ts';
import {literal} from './sql.ts';
import {waitForServer} from './wait.ts';

const serverSchema = z.object({preload: z.string(), available: z.array(z.string())});

/**
 * Makes a server of this tool's own load at its start what the extensions of a set were loaded with, or demand, and starts it
 * anew: views of pg_stat_statements can be created without its library, and not be read. Images that
 * take no arguments cannot be told so when the container is made. The database that pg_cron works for is left alone: its
 * jobs must not run before the app does.
 */
export async function preloadLibraries(context: SourceContext, details: DatabaseDetails | undefined): Promise<void> {
  const before = librariesOf(details?.server.preload ?? '');
  const wanted = (details?.extensions ?? []).map(({name}) => name).filter((name) => before.includes(name) || mustBePreloaded(name, before));
  if (wanted.length === 0) return;
  const connection = await connectDatabase(context);
  const options = {database: 'postgres', run: runName(context.restic.repository, 'preload')};
  const {preload, available} = serverSchema.parse(await queryJson(connection, `select json_build_object(
    'preload', (select setting from pg_settings where name = 'shared_preload_libraries'), 'available', (select json_agg(name) from pg_available_extensions));`, options));
  const present = librariesOf(preload);
  // What the image does not have at all is refused with its name by the restore.
  const missing = wanted.filter((name) => !present.includes(name) && available.includes(name));
  if (missing.length === 0) return;
  context.log.info(`starting the server in ${connection.container.name} anew, so that it loads ${missing.join(' and ')}`);
  await runSql(connection, `alter system set shared_preload_libraries = ${[...present, ...missing].map(literal).join(', ')};`, options);
  const docker = await context.docker();
  await stopContainer(docker, connection.container);
  await startContainer(docker, connection.container.id);
  await waitForServer(context);
}
