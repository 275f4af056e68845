import {z} from 'zod';
import {inspectContainer} from '../../docker/containers.ts';
import {readLog} from '../../docker/create.ts';
import {messageOf, TimetilesError} from '../../shared/errors.ts';
import {waitUntil} from '../../shared/wait.ts';
import type {SourceContext} from '../source.ts';
import {connectDatabase, usesKartozaNames} from './connection.ts';
import {findDatabaseContainer} from './find-server.ts';
import {queryJson, runName} from './psql.ts';
import {maintenanceDatabase} from './swap.ts';

/** How long a fresh server may take to answer: images with extensions need a minute on a slow disk. In milliseconds. */
const startLimit = 5 * 60_000;
/** A server that may be the temporary one of an image's first start is taken for the last when it stays so many seconds. */
const settleSeconds = 30;

const stateSchema = z.object({listens: z.string(), seconds: z.number()});
const stateQuery = `select json_build_object('listens', current_setting('listen_addresses'), 'seconds', extract(epoch from clock_timestamp() - pg_postmaster_start_time()));`;

/**
 * Waits until the server of the context's container answers for good: images start a temporary one first, to make the
 * cluster. The official image's does not listen to the network, so one that does is the last; kartoza's does.
 * @throws TimetilesError `container` when the container ends, with the last lines of its log; `timeout`
 */
export async function waitForServer(context: SourceContext): Promise<void> {
  const docker = await context.docker();
  const {id, name, image, environment} = await findDatabaseContainer(context);
  const run = runName(context.restic.repository, 'wait');
  const mayRestart = usesKartozaNames(environment);
  let last = 'it said nothing';
  const answers = async () => {
    const container = await inspectContainer(docker, id);
    if (!container?.running) {
      const said = container ? (await readLog(docker, id, 3)).join(' | ') : 'it was removed';
      throw new TimetilesError('container', `the server in the container ${name} from ${image} does not start: ${said || 'it said nothing'}`, 'See how the image wants to be started, and whether the host has enough memory: free -m');
    }
    try {
      const connection = await connectDatabase(context);
      const {listens, seconds} = stateSchema.parse(await queryJson(connection, stateQuery, {database: maintenanceDatabase(connection.database), run, limit: 30}));
      const isOpen = listens.split(',').some((address) => ['*', '0.0.0.0', '::'].includes(address.trim()));
      return (isOpen && !mayRestart) || seconds >= settleSeconds;
    } catch (error) {
      context.signal.throwIfAborted();
      last = messageOf(error);
      return false;
    }
  };
  if (await waitUntil(answers, {limit: startLimit, interval: 250, signal: context.signal})) return;
  throw new TimetilesError('timeout', `the server in the container ${name} did not answer within ${startLimit / 60_000} minutes: ${last}`, 'See what keeps the host busy: uptime, docker info.');
}
