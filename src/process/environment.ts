import {homedir} from 'node:os';

const inherited = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'TZ', 'XDG_CACHE_HOME', 'XDG_RUNTIME_DIR', 'SSH_AUTH_SOCK'];
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What every child gets: where programs, home and temporary files are, and nothing that could be a secret. */
export function baseEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {PATH: defaultPath, HOME: homedir()};
  for (const name of inherited) {
    const value = process.env[name];
    if (value !== undefined && value !== '') environment[name] = value;
  }
  return environment;
}
