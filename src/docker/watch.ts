import {setTimeout as sleep} from 'node:timers/promises';
import {TimetilesError} from '../shared/errors.ts';
import type {DockerHandle} from './client.ts';
import {inspectContainer, type Container} from './containers.ts';
import {findTrouble} from './trouble.ts';

/** How often a container is looked at while something runs in it, and how long an answer may take; milliseconds. */
const interval = 5000;
const answerLimit = 15_000;
/** What may pass by itself: an engine that is busy, a container that somebody pauses for a moment; milliseconds. */
const patience = 60_000;

/**
 * Watches over something that runs in a container for as long as it may: the docker program waits for ever for an engine that is silent and for a
 * container that is paused, and not always notices that either has gone.
 * @param done aborted when there is nothing to watch over any more
 * @param onLost gets what is wrong, once it has been so for a minute
 */
export async function watchContainer(docker: DockerHandle, id: string, done: AbortSignal, onLost: (trouble: TimetilesError) => void): Promise<void> {
  const hasty: DockerHandle = {...docker, signal: undefined, limit: answerLimit};
  let first: Container | undefined;
  let since: number | undefined;
  for (;;) {
    try {
      await sleep(interval, undefined, {signal: done, ref: false});
    } catch {
      return;
    }
    const begin = Date.now();
    let trouble: TimetilesError | undefined;
    try {
      first ??= await inspectContainer(hasty, id);
      trouble = first ? await findTrouble(hasty, first) : new TimetilesError('container', `the container ${id.slice(0, 12)} has been removed`, 'Make it again: docker compose up -d');
    } catch (error) {
      if (!(error instanceof TimetilesError)) throw error;
      trouble = error;
    }
    since = trouble ? (since ?? begin) : undefined;
    if (done.aborted) return;
    if (trouble && since !== undefined && Date.now() - since >= patience) return onLost(trouble);
  }
}
