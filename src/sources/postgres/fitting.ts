import {TimetilesError} from '../../shared/errors.ts';
import {plural} from '../../shared/format.ts';
import type {SourceRecord} from '../source.ts';
import type {Connection} from './connection.ts';
import {borrowedNames, mustBePreloaded, type WantedExtension} from './extensions.ts';
import {readDetails, type DatabaseDetails} from './facts.ts';
import type {Target} from './restore-target.ts';

/** What a server must have. */
export interface Needs {
  /** Such as `17.6`. */
  readonly version: string | undefined;
  readonly image?: string;
  readonly extensions: readonly WantedExtension[];
  /** Libraries that the set's server loaded at its start. */
  readonly preload: readonly string[];
}

export function needsOf(record: SourceRecord | undefined): Needs | undefined {
  const {details, imported} = readDetails(record);
  if (details) return {version: shortVersion(details.server.version), image: details.image.name, extensions: details.extensions, preload: librariesOf(details.server.preload ?? '')};
  return imported && {version: imported.server === null ? undefined : shortVersion(imported.server), extensions: imported.extensions.map((name) => ({name})), preload: []};
}

/** `17.6 (Debian 17.6-1)` as `17.6`. */
export function shortVersion(version: string): string {
  return version.split(' ')[0] ?? version;
}

/**
 * What a server lacks for a set is named before anything is touched. Pure.
 * @throws TimetilesError `restore`
 */
export function requireFitting({container}: Pick<Connection, 'container'>, needs: Needs, target: Target): void {
  const {name, image} = container;
  const refuse = (message: string, next: string): never => {
    throw new TimetilesError('restore', message, next);
  };
  const madeWith = needs.image === undefined ? '' : `the set was made with ${needs.image}; `;
  const wanted = Number.parseInt(needs.version ?? '0', 10);
  if (Math.floor(target.versionNumber / 10_000) < wanted) {
    refuse(`the set is from PostgreSQL ${needs.version}, but ${name} runs the older ${shortVersion(target.version)}`, `Run an image with PostgreSQL ${wanted} or newer (${madeWith}now: ${image}).`);
  }
  const missing = needs.extensions.filter((extension) => !target.extensions.includes(extension.name));
  if (missing.length > 0) {
    const list = missing.map((extension) => [extension.name, extension.version].join(' ').trim()).join(', ');
    refuse(
      `the set needs ${missing.length === 1 ? 'an extension' : 'extensions'} that the image of ${name} does not have: ${list}`,
      `Run an image that has ${missing.length === 1 ? 'it' : 'them'} (${madeWith}now: ${image}).`,
    );
  }
  const loaded = target.preload === null ? undefined : librariesOf(target.preload);
  const unloaded = needs.extensions.map((extension) => extension.name).filter((library) => mustBePreloaded(library, needs.preload) && loaded?.includes(library) === false);
  if (unloaded.length > 0) {
    refuse(`the set needs ${unloaded.join(' and ')}, which the server in ${name} does not load when it starts`, `Add ${unloaded.join(',')} to its setting shared_preload_libraries, restart ${name}, then restore again.`);
  }
  const timescale = needs.extensions.find((extension) => extension.name === 'timescaledb' && extension.version !== undefined && !target.extensionVersions.includes(`timescaledb ${extension.version}`));
  if (timescale) refuse(`the set needs timescaledb ${timescale.version}, and ${name} has another version of it, which cannot load the set`, `Run an image with timescaledb ${timescale.version} (${madeWith}now: ${image}), restore, then update it: ALTER EXTENSION timescaledb UPDATE`);
  const occupied = borrowedNames(needs.extensions).find((borrowed) => target.databases.includes(borrowed));
  if (occupied !== undefined) refuse(`the server in ${name} has a database ${occupied}, whose name is needed for a moment to make an extension of the set`, `Rename that database until the restore is done: ALTER DATABASE ${occupied} RENAME TO …`);
}

/**
 * The rights that a restore needs. Pure.
 * @throws TimetilesError `restore`
 */
export function requireRights(connection: Pick<Connection, 'container' | 'user'>, needs: Needs | undefined, target: Target, {owner, newRoles}: {owner: string | undefined; newRoles: readonly string[]}): void {
  const {user, isSuperuser} = {...target.user, user: connection.user};
  if (isSuperuser) return;
  const untrusted = (needs?.extensions ?? []).map((extension) => extension.name).filter((name) => target.untrusted.includes(name) && name !== 'plpgsql');
  const lacks = [
    ...(target.user.mayCreateDatabases ? [] : ['create databases']),
    ...(newRoles.length > 0 && !target.user.mayCreateRoles ? [`create the missing ${plural(newRoles.length, 'role')} ${newRoles.join(', ')}`] : []),
    ...(owner !== undefined && !newRoles.includes(owner) && !target.user.actsFor.includes(owner) ? [`make databases for their owner ${owner}`] : []),
    ...(target.liveOwner !== null && !target.user.actsFor.includes(target.liveOwner) ? [`rename the database of ${target.liveOwner} that is replaced`] : []),
    ...(untrusted.length > 0 ? [`create the ${plural(untrusted.length, 'extension')} ${untrusted.join(', ')}`] : []),
  ];
  if (lacks.length === 0) return;
  throw new TimetilesError('restore', `the user ${user} of PostgreSQL in ${connection.container.name} may not ${lacks.join(', nor ')}, which this restore needs`, 'Set DB_USER and DB_PASSWORD to a superuser of that server for the restore.');
}

/** What of a set comes back otherwise than it was on this server, a line each. Pure. */
export function fittingWarnings(details: DatabaseDetails, target: Target, {live, newRoles, passwordKnown}: {live: string; newRoles: readonly string[]; passwordKnown: string | undefined}): string[] {
  const absent = (details.tablespaces ?? []).filter((name) => !target.tablespaces.includes(name));
  const hasCron = details.extensions.some(({name}) => name === 'pg_cron');
  const roles = withoutPassword(details).filter((name) => newRoles.includes(name) && name !== passwordKnown);
  const subscriptions = details.subscriptions ?? [];
  return [
    ...(absent.length > 0 ? [`this server has no tablespace ${absent.join(', ')}: what lay there comes back in the default one`] : []),
    ...(hasCron && target.cronDatabase !== null && target.cronDatabase !== live ? [`the jobs of pg_cron come back, but do not run: cron.database_name of this server is ${target.cronDatabase}, not ${live}`] : []),
    ...(roles.length > 0 ? [`the set knows no password of the ${plural(roles.length, 'role')} ${roles.join(', ')}: nobody can log in with ${roles.length === 1 ? 'it' : 'them'} before you set one (ALTER ROLE … PASSWORD …)`] : []),
    ...(subscriptions.length > 0 ? [`the ${plural(subscriptions.length, 'subscription')} ${subscriptions.join(', ')} ${subscriptions.length === 1 ? 'comes' : 'come'} back disabled: ALTER SUBSCRIPTION … ENABLE when the publisher is ready`] : []),
    ...(target.slots.length > 0 ? [`logical replication slots stay with the data that is replaced: ${target.slots.join(', ')}. Their subscribers have to be set up anew`] : []),
  ];
}

/** The roles that log in and whose password the set does not know. */
function withoutPassword({roles}: DatabaseDetails): string[] {
  return roles.filter(({attributes, password}) => attributes.rolcanlogin && password === null).map(({name}) => name);
}

export function librariesOf(preload: string): string[] {
  return preload.split(',').map((name) => name.trim().replaceAll('"', '')).filter((name) => name !== '');
}
