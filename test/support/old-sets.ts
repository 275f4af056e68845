import {execa} from 'execa';
import {manifestTags, sourceTags} from '../../src/operations/sets.ts';
import {plainResticEnvironment} from './plain-restic.ts';
import type {ResticAge} from './restic.ts';
import type {Stack} from './stack.ts';

/** Which repository, written by which restic. */
export interface OldSetOptions {
  restic: ResticAge;
  repository: string;
}

/** A set that is to look as if it was made so many days ago; a negative number is a day to come. */
export interface OldSet {
  daysAgo: number;
  /** `db` alone unless told. */
  sources?: string[];
  /** The host that made it; this one unless told. */
  host?: string;
  /** Its run died before the manifest. */
  killed?: boolean;
}

/** Stores a set with the tool's tags and an older time, by plain restic. @returns its id */
export async function storeOldSet(stack: Stack, {daysAgo, sources = ['db'], host, killed = false}: OldSet, options: OldSetOptions): Promise<string> {
  const time = new Date(Date.now() - daysAgo * 86_400_000).toISOString().slice(0, 19);
  const id = `${time.replaceAll(/[-:]/g, '')}Z-0000`;
  const store = async (tags: string[]) => {
    const args = ['backup', '--quiet', '--time', time.replace('T', ' '), '--stdin', '--stdin-filename', `/${tags[2]}`, ...(host === undefined ? [] : ['--host', host]), ...tags.flatMap((tag) => ['--tag', tag])];
    const env = {...plainResticEnvironment(stack, options), TZ: 'UTC'};
    await execa(stack.bench.restic[options.restic], args, {env, extendEnv: false, input: `${id} ${tags.join(' ')}`});
  };
  for (const source of sources) await store(sourceTags(id, source));
  if (!killed) await store(manifestTags(id, sources, {safety: false, incomplete: false, suspicious: false}));
  return id;
}
