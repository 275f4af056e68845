import {join} from 'node:path';

/** Where the local repository is, unless the configuration says otherwise. */
export const defaultRepository = '/opt/timetiles/backups/restic-repo';

/** The installation directory. */
export function homeOf(environment: Readonly<Record<string, string | undefined>>): string {
  return environment['TIMETILES_HOME'] || '/opt/timetiles';
}

/** The environment file of the app, which compose reads as well. */
export const appFileName = '.env.production';

/** The configuration files of an installation directory, the one that wins last. */
export function configFilesOf(home: string): {readonly tool: string; readonly app: string} {
  return {tool: join(home, 'bootstrap.conf'), app: join(home, appFileName)};
}

/** Where the tool keeps what it must remember on this host. */
export function stateDirectoryOf(home: string): string {
  return join(home, 'state');
}
