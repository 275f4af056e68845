import {TimetilesError} from '../../shared/errors.ts';
import {askReadiness, refusedLogin} from './failure.ts';
import {lookInto, serversIn, type Seen, type SeenServer} from './look.ts';
import {probe, type Answer, type ServerFacts} from './probe.ts';
import type {Access, Route} from './programs.ts';
import {chooseServer, defaultPort, firstRoute, overNetwork, routesAsOwner, routesTo} from './routes.ts';
import {maintenanceDatabase} from './sql.ts';
import {sqlstates} from './sqlstate.ts';

/** Who is wanted where. */
export interface Wanted {
  readonly database: string;
  readonly user: string;
  /** Whether the configuration names the user. */
  readonly isUserGiven: boolean;
  /** The configured port. */
  readonly port: string | undefined;
  /** The name of the run. */
  readonly run: string;
}

export interface Ready {
  readonly state: 'ready';
  readonly access: Access;
  readonly server: ServerFacts;
  /** Whether this server's first process is the container's own: then it is no temporary one. */
  readonly isMain: boolean;
  /** What the operator should know of the way in. */
  readonly notes: readonly string[];
  /** Why the wanted database, which is there, cannot be connected to. */
  readonly refusal: string | undefined;
}

export type Reached =
  | Ready
  /** It starts, stops or is not there yet. */
  | {readonly state: 'waiting'; readonly said: string}
  /** @param isMain see above */
  | {readonly state: 'refused'; readonly error: TimetilesError; readonly isMain: boolean};

/** The settings that end a session, by the SQLSTATE it ends with. */
const limits: Readonly<Record<string, string>> = {[sqlstates.transactionTimeout]: 'transaction_timeout', [sqlstates.idleSessionTimeout]: 'idle_session_timeout'};

/** A container this young may be one that keeps ending. */
const freshMilliseconds = 10_000;

type Identity = Pick<Access, 'user' | 'database' | 'password'> & {readonly settings?: Readonly<Record<string, string>>};

/**
 * Finds a way to the container's server: its socket, then TCP in the container, then what can be learned by looking into
 * it, then as the user of the operating system that the server runs as. The first way costs one docker exec.
 */
export async function reachServer(start: Omit<Access, 'route' | 'user' | 'database' | 'server'>, wanted: Wanted): Promise<Reached> {
  const said: string[] = [];
  let seen: Seen | undefined;
  const look = async () => (seen ??= await lookInto(start));
  const own: Identity = {user: wanted.user, database: wanted.database, password: start.password};
  const everywhere = (identity: Identity): Identity[] => [identity, {...identity, database: maintenanceDatabase(wanted.database)}];
  const knock = async (route: Route, identity: Identity): Promise<Answer> => {
    const access = {...start, ...identity, route};
    let settings = identity.settings;
    let answer = await probe(access, wanted, settings);
    // A limit that is too short for any question must be lifted with the connection, which a server that does not know it would refuse.
    for (let tries = 0; tries < 2 && answer.state === 'refused'; tries += 1) {
      const limit = limits[answer.sqlstate ?? ''];
      if (limit === undefined) break;
      settings = {...settings, [limit]: '0'};
      answer = await probe(access, wanted, settings);
    }
    if (answer.state === 'refused' && identity.user === wanted.user && route.osUser === undefined) said.push(answer.said);
    return answer;
  };
  const tryAll = async (routes: readonly Route[], identities: readonly Identity[]): Promise<Reached | undefined> => {
    for (const identity of identities) {
      for (const route of routes) {
        const answer = await knock(route, identity);
        if (answer.state === 'ready') return settle(answer, {...start, ...identity, route}, wanted, look, said[0]);
      }
    }
    return undefined;
  };

  let first = firstRoute(start.container, wanted.port);
  let answer = await knock(first, own);
  if (answer.state === 'no-program') {
    const [programs] = (await look()).programs;
    // One that starts again and again runs nothing either.
    if (!programs && Date.now() - start.container.startedAt < freshMilliseconds) return {state: 'waiting', said: 'its container runs no programs yet'};
    if (!programs) throw new TimetilesError('container', `the container ${start.container.name} has no psql and pg_dump`, 'Use an image with the programs of PostgreSQL, or name the right container with POSTGRES_CONTAINER.');
    first = {...first, programs: programs.directory};
    answer = await knock(first, own);
  }
  if (answer.state === 'gone') return {state: 'waiting', said: answer.said};
  if (answer.state === 'ready') return settle(answer, {...start, ...own, route: first}, wanted, look);
  const network = overNetwork(first);
  let routes = network ? [first, network] : [first];
  const second = network && (await tryAll([network], [own]));
  if (second) return second;

  let readiness = await readinessOf(start, routes, wanted.run);
  let server: SeenServer | undefined;
  if (readiness === 'silent') {
    server = chooseServer(serversIn(await look()), wanted.port, start.container);
    if (!server) return {state: 'waiting', said: said[0] ?? 'it says nothing'};
    routes = routesTo(server, first.programs);
    const found = await tryAll(routes, [own]);
    if (found) return found;
    readiness = await readinessOf(start, routes, wanted.run);
  }
  if (readiness !== 'accepting') return {state: 'waiting', said: said.at(-1) ?? 'it says nothing'};

  // It answers: the database may not be there, or the role may not come in this way.
  const servers = serversIn(await look());
  server ??= servers.find(({port}) => port === (first.port ?? defaultPort)) ?? (servers.length === 1 ? servers[0] : undefined);
  const owner = server?.user === undefined || server.user === wanted.user ? [] : [{...own, user: server.user, password: undefined}];
  // What was said before is of no account: the server may have begun to answer since.
  said.length = 0;
  const later =
    (await tryAll(routes, [own])) ??
    // A trigger at login that fails lets nobody else in (PostgreSQL 17).
    (await tryAll(routes, [{...own, settings: {event_triggers: 'off'}}])) ??
    (await tryAll(routes, everywhere(own).slice(1))) ??
    (server && (await tryAll(routesAsOwner(server, first.programs), [...everywhere(own), ...owner.flatMap(everywhere)])));
  return later ?? {state: 'refused', error: refusedLogin({...start, ...own, route: first}, said), isMain: server?.pid === '1'};
}

async function readinessOf(start: Omit<Access, 'route' | 'user' | 'database' | 'server'>, routes: readonly Route[], run: string) {
  let last: Awaited<ReturnType<typeof askReadiness>> = 'silent';
  for (const route of routes) {
    last = await askReadiness({...start, user: 'postgres', database: 'postgres', route}, route, run);
    if (last !== 'silent') return last;
  }
  return last;
}

/** Makes sure of the programs' version, and says what is unusual about the way in. */
async function settle(answer: Extract<Answer, {state: 'ready'}>, access: Access, wanted: Wanted, look: () => Promise<Seen>, said?: string): Promise<Reached> {
  const {facts, dumpMajor, parent} = answer;
  const isMain = parent === '1';
  const {name} = access.container;
  const isOther = access.user !== wanted.user;
  if (isOther && wanted.isUserGiven && !facts.hasRole) return {state: 'refused', error: refusedLogin({...access, user: wanted.user}, ['there is no such role']), isMain};
  const major = Math.floor(facts.versionNumber / 10_000);
  const fitting = dumpMajor === major ? undefined : (await look()).programs.find((programs) => programs.major === major);
  const notes = [
    ...(isOther ? [`PostgreSQL in ${name} refuses the login of ${wanted.user}, so timetiles comes as the superuser ${access.user}: set DB_USER and DB_PASSWORD`] : []),
    ...(dumpMajor !== undefined && dumpMajor !== major && !fitting ? [`the pg_dump in ${name} is of PostgreSQL ${dumpMajor}, the server of ${major}: what it writes may not load into such a server`] : []),
  ];
  const route = fitting ? {...access.route, programs: fitting.directory} : access.route;
  const refusal = access.database !== wanted.database && facts.hasDatabase ? (said ?? 'it takes no connections') : undefined;
  return {state: 'ready', access: {...access, route, server: facts}, server: facts, isMain, notes, refusal};
}
