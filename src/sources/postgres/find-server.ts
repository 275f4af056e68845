import type {DockerHandle} from '../../docker/client.ts';
import {composeLabels, groupOf, inspectContainer, listContainers, listMembers, swarmLabels, type Container} from '../../docker/containers.ts';
import {listProcesses} from '../../docker/processes.ts';
import {TimetilesError, type Candidate} from '../../shared/errors.ts';
import {chooseOneOf} from '../../config/setting-line.ts';
import type {SourceContext} from '../source.ts';
import {chooseServer, type JudgedContainer} from './choose-server.ts';
import {judgeContainer, looksLikeServer} from './server-evidence.ts';

/** The server that holds the data, or why there is none. */
export type FoundServer =
  | {readonly state: 'found'; readonly container: Container}
  /** There is no server where the project is, or no such project. */
  | {readonly state: 'none'; readonly projectExists: boolean; readonly error: TimetilesError};

/**
 * Finds the PostgreSQL container: POSTGRES_CONTAINER, or the one of the project that runs a server.
 * @throws TimetilesError `container` that says what there is instead, `ambiguous` with a line for each of several
 */
export async function findDatabaseContainer(context: SourceContext): Promise<Container> {
  const found = await findServer(context);
  if (found.state === 'found') return found.container;
  throw found.error;
}

/**
 * The same where a project without PostgreSQL is no error.
 * @throws TimetilesError `container` where POSTGRES_CONTAINER names nothing; `ambiguous`
 */
export async function findServer(context: SourceContext): Promise<FoundServer> {
  const docker = await context.docker();
  const {POSTGRES_CONTAINER: name, COMPOSE_PROJECT_NAME: project} = context.settings;
  const members = await listMembers(docker, project);
  if (name !== undefined) return {state: 'found', container: await findNamed(docker, name, members)};
  const choice = chooseServer(await judgeMembers(docker, members));
  if (choice.state === 'found') return choice;
  if (choice.state === 'several') {
    const names = choice.containers.map((container) => container.name).join(', ');
    const candidates = choice.containers.map(containerCandidate);
    throw new TimetilesError('ambiguous', `the project ${project} has several PostgreSQL containers: ${names}`, chooseOneOf(candidates), {candidates});
  }
  return {state: 'none', projectExists: members.length > 0, error: await nothingFound(docker, project, members)};
}

/** The servers of the project besides the one that was found; nothing of ours touches them. */
export async function findOtherServers(context: SourceContext, container: Container): Promise<Container[]> {
  const docker = await context.docker();
  const judged = await judgeMembers(docker, await listMembers(docker, context.settings.COMPOSE_PROJECT_NAME));
  return judged.filter(({role}) => role === 'server' || role === 'likely').map((server) => server.container).filter(({id}) => id !== container.id);
}

/** Everything in the project that runs PostgreSQL, standbys too. */
export async function findProjectServers(context: SourceContext): Promise<Container[]> {
  const docker = await context.docker();
  const judged = await judgeMembers(docker, await listMembers(docker, context.settings.COMPOSE_PROJECT_NAME));
  return judged.filter(({role}) => role !== 'none').map(({container}) => container);
}

/** The server that must stay up during a restore; all of them where it is not known which one that is. */
export async function findServerIds(context: SourceContext): Promise<string[]> {
  try {
    const found = await findServer(context);
    return found.state === 'found' ? [found.container.id] : [];
  } catch (error) {
    if (!(error instanceof TimetilesError)) throw error;
    if (error.kind === 'container') return [];
    if (error.kind !== 'ambiguous') throw error;
    return (await findProjectServers(context)).map(({id}) => id);
  }
}

/** Looks into what seems to be a server, and into everything else only where none of these is one. */
async function judgeMembers(docker: DockerHandle, members: readonly Container[]): Promise<JudgedContainer[]> {
  const plausible = members.filter(looksLikeServer);
  const judged = await judgeAll(docker, plausible);
  if (judged.some(({role}) => role === 'server' || role === 'likely')) return judged;
  return [...judged, ...(await judgeAll(docker, members.filter((container) => !plausible.includes(container))))];
}

function judgeAll(docker: DockerHandle, containers: readonly Container[]): Promise<JudgedContainer[]> {
  // Docker lists the newest first.
  const inOrder = containers.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return Promise.all(inOrder.map(async (container) => ({
    container,
    // What one runs that Docker starts again and again tells nothing: between two starts it is nothing at all.
    role: judgeContainer(container, container.running && container.state !== 'restarting' ? await listProcesses(docker, container.id) : undefined),
  })));
}

/**
 * POSTGRES_CONTAINER may be a container's name, a service of the project, a swarm service, or the beginning of an id, in
 * this order: `db` is also the beginning of an id.
 */
async function findNamed(docker: DockerHandle, name: string, members: readonly Container[]): Promise<Container> {
  const byIdOrName = await inspectContainer(docker, name);
  if (byIdOrName?.name === name) return byIdOrName;
  const byService = members.filter(({service}) => service === name);
  const candidates = byService.length > 0 ? byService : (await listContainers(docker)).filter(({labels}) => labels[swarmLabels.service] === name);
  const running = candidates.filter((container) => container.running);
  // Swarm keeps the containers of earlier tasks.
  const [only, second] = running.length > 0 ? running : candidates;
  if (only && second) {
    const choices = candidates.map((container) => ({...containerCandidate(container), value: container.name}));
    throw new TimetilesError('ambiguous', `the service ${name} (POSTGRES_CONTAINER) has several containers: ${choices.map(({value}) => value).join(', ')}`, chooseOneOf(choices), {candidates: choices});
  }
  if (only) return only;
  if (byIdOrName) return byIdOrName;
  const servers = await findServers(docker);
  const choices = servers.map(containerCandidate);
  const next = choices.length > 0 ? chooseOneOf(choices, 'See what there is: docker ps -a. These containers run PostgreSQL; write the line of the right one into bootstrap.conf:') : 'See what there is: docker ps -a. Then correct POSTGRES_CONTAINER.';
  throw new TimetilesError('container', `there is no container ${name} (POSTGRES_CONTAINER)`, next, {candidates: choices});
}

/** Every server of the engine. */
async function findServers(docker: DockerHandle): Promise<Container[]> {
  const judged = await judgeAll(docker, (await listContainers(docker)).filter(({labels}) => labels[composeLabels.oneOff] !== 'True'));
  return judged.filter(({role}) => role === 'server' || role === 'likely').map(({container}) => container);
}

async function nothingFound(docker: DockerHandle, project: string, members: readonly Container[]): Promise<TimetilesError> {
  const servers = await findServers(docker);
  const candidates = members.length > 0 ? servers.map(containerCandidate) : engineCandidates(servers);
  const services = [...new Set(members.map((container) => container.service ?? container.name))].join(', ');
  const all = (await listContainers(docker)).flatMap(({labels}) => groupOf(labels) ?? []);
  const projects = [...new Set(all)].toSorted().join(', ');
  const message = members.length > 0
    ? `the project ${project} has no PostgreSQL container, only: ${services}`
    : `there is no compose project ${project}; Docker has ${projects === '' ? 'no compose project at all' : `these projects: ${projects}`}`;
  const otherwise = members.length > 0 ? 'Name the database container with POSTGRES_CONTAINER.' : 'Start it with docker compose up -d, or correct COMPOSE_PROJECT_NAME.';
  const next = candidates.length > 0 ? `${members.length > 0 ? '' : `${otherwise} `}${chooseOneOf(candidates, 'These containers run PostgreSQL; write the line of the right one into bootstrap.conf:')}` : otherwise;
  return new TimetilesError('container', message, next, {candidates});
}

/** The line for a container that may be of any project: its project's name where that is enough to find it. Pure. */
export function engineCandidates(servers: readonly Container[]): Candidate[] {
  return servers.map((container) => {
    const group = groupOf(container.labels);
    const isAlone = servers.filter(({labels}) => groupOf(labels) === group).length === 1;
    if (group === undefined || !isAlone || !/^[a-z0-9][a-z0-9_-]*$/.test(group)) return containerCandidate(container);
    return {...containerCandidate(container), key: 'COMPOSE_PROJECT_NAME', value: group};
  });
}

/** A swarm task has another name each time that it is made anew; its service keeps its own. Pure. */
export function containerCandidate(container: Container): Candidate {
  const {name, service, image, state, labels} = container;
  const facts = [...(service === undefined ? [] : [`service ${service}`]), `image ${image}`, ...(container.running ? [] : [state])];
  return {key: 'POSTGRES_CONTAINER', value: labels[swarmLabels.service] ?? name, description: `container ${name}, ${facts.join(', ')}`};
}
