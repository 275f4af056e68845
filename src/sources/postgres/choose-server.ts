import type {Container} from '../../docker/containers.ts';
import {dataMountOf, type ServerRole} from './server-evidence.ts';

/** A container and what it is. */
export interface JudgedContainer {
  readonly container: Container;
  readonly role: ServerRole;
}

export type ServerChoice =
  | {readonly state: 'found'; readonly container: Container}
  | {readonly state: 'several'; readonly containers: readonly Container[]}
  | {readonly state: 'none'};

/**
 * Picks the server of a project. The service `postgres` has always won and still does. Of all others there must be one:
 * a server that is just stopped counts too, or its neighbour would be saved, and replaced, in its stead. Pure.
 */
export function chooseServer(judged: readonly JudgedContainer[]): ServerChoice {
  const servers = judged.filter(({role}) => role !== 'none');
  const byName = servers.filter(({container}) => container.service === 'postgres');
  if (byName.length > 0) return pick(byName.length === 1 ? byName : onlyRunning(byName));
  const leading = servers.filter(({role}) => role !== 'standby');
  const live = leading.filter(({role}) => role === 'server');
  // What compose left of a service that has another name now has the same data, or none, and does not run.
  const data = new Set(live.length === 0 ? [] : [undefined, ...live.map(({container}) => dataMountOf(container))]);
  const stopped = leading.filter(({container, role}) => role === 'likely' && !data.has(dataMountOf(container)));
  const own = [...live, ...stopped];
  return pick(own.length > 0 ? own : leading.length > 0 ? leading : servers);
}

function pick(servers: readonly JudgedContainer[]): ServerChoice {
  const [only, second] = servers;
  if (!only) return {state: 'none'};
  return second ? {state: 'several', containers: servers.map(({container}) => container)} : {state: 'found', container: only.container};
}

/** All of them when none runs. */
function onlyRunning(servers: readonly JudgedContainer[]): readonly JudgedContainer[] {
  const running = servers.filter(({container}) => container.running);
  return running.length > 0 ? running : servers;
}
