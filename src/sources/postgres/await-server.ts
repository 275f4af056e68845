import {inspectContainer, type Container} from '../../docker/containers.ts';
import {readLog} from '../../docker/create.ts';
import type {DockerHandle} from '../../docker/client.ts';
import {troubleOf} from '../../docker/trouble.ts';
import {TimetilesError} from '../../shared/errors.ts';
import {plural, shellWord} from '../../shared/format.ts';
import {waitUntil} from '../../shared/wait.ts';
import type {SourceContext} from '../source.ts';
import {readCredentials} from './credentials.ts';
import {sqlstates} from './sqlstate.ts';
import {reachServer, type Reached, type Ready, type Wanted} from './reach.ts';

/** A container that ended so short a time ago may be about to start again; milliseconds. */
const restartMoment = 5000;
/** A container that was started longer ago is past its first start, whose server may be a temporary one; milliseconds. */
const firstStartLimit = 90_000;
/** A server that may be the temporary one of an image's first start is taken for the last when it stays so many seconds. */
const settleSeconds = 30;
/** Milliseconds between two words that the wait goes on. */
const reminderInterval = 20_000;
/** What the entrypoints of the official image and of kartoza's print when only the last server is still to come. */
const initDone = /^(\S+) .*(?:init(?:ialisation)? process complete|skipping initialization)/i;

export interface WaitForServer {
  readonly database?: string | undefined;
  readonly run: string;
  /** Milliseconds. */
  readonly limit: number;
  /** Whether the container has just been made for us: its end is the end of the wait. */
  readonly isNew?: boolean;
}

export type AwaitedServer = Ready & {readonly container: Container; readonly database: string};

/**
 * Waits until the container's server lets us in, for good: images start a temporary one first, to make the cluster.
 * @throws TimetilesError `container` or `database` that says what it waited for, with the last lines of the log
 */
export async function awaitServer(context: SourceContext, docker: DockerHandle, first: Container, {database, run, limit, isNew = false}: WaitForServer): Promise<AwaitedServer> {
  const {id} = first;
  const begin = Date.now();
  let lastWord = 0;
  let why = 'it says nothing';
  let answer: AwaitedServer | undefined;
  let last: Container | undefined;
  const look = async (): Promise<boolean> => {
    const container = await inspectContainer(docker, id);
    last = container ?? last;
    const trouble = troubleOf(container, last ?? first);
    if (trouble || !container) {
      await requireComing(docker, container ?? last, isNew, trouble);
      why = `the container is ${container?.state ?? 'gone'}`;
      return false;
    }
    const reached = await reach(context, docker, container, database, run);
    if (reached.state === 'refused' && !mayBeFirstStart(container, reached)) throw reached.error;
    if (reached.state === 'refused') why = reached.error.message;
    else if (reached.state === 'waiting') why = reached.said;
    else if (await isLast(docker, container, reached, isNew)) answer = reached;
    else why = 'it is the temporary one of a first start';
    return answer !== undefined;
  };
  const step = async () => {
    if (await look()) return true;
    if (Date.now() - lastWord >= reminderInterval) {
      context.log.info(`${lastWord === 0 ? 'waiting' : 'still waiting'} for PostgreSQL in ${last?.name ?? id} to start`);
      lastWord = Date.now();
    }
    return false;
  };
  if ((await waitUntil(step, {limit, interval: 500, signal: context.signal})) && answer) return answer;
  throw await gaveUp(docker, last, why, Date.now() - begin);
}

async function reach(context: SourceContext, docker: DockerHandle, container: Container, other: string | undefined, run: string): Promise<(Exclude<Reached, Ready>) | AwaitedServer> {
  const {user, isUserGiven, password, database: main} = await readCredentials(context, docker, container);
  const database = other ?? main;
  const port = context.settings.DB_PORT;
  const wanted: Wanted = {
    database,
    user,
    isUserGiven,
    port: port === undefined ? undefined : String(port),
    run,
  };
  const reached = await reachServer({docker, container, password}, wanted);
  return reached.state === 'ready' ? {...reached, container, database} : reached;
}

/** A container that does not run is waited for only while Docker is starting it again. */
async function requireComing(docker: DockerHandle, container: Container | undefined, isNew: boolean, trouble: TimetilesError | undefined): Promise<void> {
  if (container && !isNew && (container.state === 'restarting' || (container.state === 'exited' && Date.now() - container.endedAt < restartMoment))) return;
  if (isNew) {
    const said = container ? (await readLog(docker, container.id, 3)).join(' | ') : 'it was removed';
    throw new TimetilesError('container', `the server in the container ${container?.name ?? 'that was made for it'} from ${container?.image ?? 'its image'} does not start: ${said || 'it said nothing'}`, 'See how the image wants to be started, and whether the host has enough memory: free -m');
  }
  if (trouble) throw trouble;
}

/** Roles are made by the scripts of a first start, in a temporary server. */
function mayBeFirstStart(container: Container, {isMain}: {readonly isMain: boolean}): boolean {
  return !isMain && Date.now() - container.startedAt < settleSeconds * 1000;
}

function isYoung({startedAt}: Container): boolean {
  return Date.now() - startedAt < firstStartLimit;
}

/**
 * Whether a server is the one that stays. The temporary ones of images do not listen to the network. A server that is the container's own process always stays.
 */
async function isLast(docker: DockerHandle, container: Container, {server, isMain}: Ready, isNew: boolean): Promise<boolean> {
  const isOpen = server.listens.split(',').some((address) => ['*', '0.0.0.0', '::'].includes(address.trim()));
  const isQuiet = server.listens === '';
  if (isMain || server.seconds >= settleSeconds) return true;
  if (!isNew && !isYoung(container) && !isQuiet) return true;
  if (isOpen) return true;
  return (await readLog(docker, container.id, 500, {timestamps: true})).some((line) => {
    const time = initDone.exec(line)?.[1];
    const printed = time === undefined ? Number.NaN : Date.parse(time);
    return printed >= container.startedAt && printed / 1000 <= server.started;
  });
}

async function gaveUp(docker: DockerHandle, container: Container | undefined, why: string, took: number): Promise<TimetilesError> {
  const name = container?.name ?? 'unknown';
  const log = container ? (await readLog(docker, container.id, 3)).join(' | ') : '';
  const next = `Look at its log: docker logs --tail 50 ${shellWord(name)}`;
  if (container?.state === 'restarting') return new TimetilesError('container', `the container ${name} keeps restarting: ${log || 'it says nothing'}`, next);
  const seconds = plural(Math.round(took / 1000), 'second');
  return new TimetilesError('database', `PostgreSQL in ${name} does not answer after ${seconds}: ${why}${log === '' ? '' : `. The end of its log: ${log}`}`, next, {sqlstate: sqlstates.cannotConnectNow});
}
