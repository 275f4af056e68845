import type {SourceContext} from '../source.ts';
import {awaitServer} from './await-server.ts';
import {findDatabaseContainer} from './find-server.ts';

/** How long a fresh server may take to answer: images with extensions need a minute on a slow disk. In milliseconds. */
const startLimit = 5 * 60_000;

/**
 * Waits until the server of the context's container answers for good. Its end is an error: it was started for us.
 * @throws TimetilesError `container` when the container ends, with the last lines of its log; `database` after the limit
 */
export async function waitForServer(context: SourceContext): Promise<void> {
  const docker = await context.docker();
  const container = await findDatabaseContainer(context);
  await awaitServer(context, docker, container, {run: 'wait', limit: startLimit, isNew: true});
}
