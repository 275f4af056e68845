import {readFileSync} from 'node:fs';

/** This tool's version, from package.json: two levels up, from src as from dist. */
export function toolVersion(): string {
  const {version} = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {version: string};
  return version;
}
