import {z} from 'zod';
import {parseJson} from '../shared/parse-json.ts';
import type {FilePattern} from '../shared/file-pattern.ts';
import {emptyMarker} from './backup.ts';
import {pathOfData} from './earlier.ts';
import type {ResticHandle} from './handle.ts';
import {nodeSchema, type SnapshotNode} from './list-files.ts';
import {runRestic} from './run.ts';

export interface FindRequest {
  readonly pattern: FilePattern;
  readonly ignoreCase: boolean;
  /** One snapshot, or all that have any of these tags (`timetiles,uploads` for both). */
  readonly within: {readonly snapshot: string} | {readonly tags: readonly string[]};
  /** Hits of one snapshot that are kept; those beyond are counted. */
  readonly limit: number;
}

/** What one snapshot has. */
export interface SnapshotHits {
  readonly snapshot: string;
  readonly hits: readonly SnapshotNode[];
  readonly omitted: number;
}

const endOfSnapshot = z.object({snapshot: z.string()});

/**
 * Searches snapshots with `restic find`, which reads every directory once, however many snapshots share it. Its answer is
 * one line that may be longer than the memory, so it is taken apart as it comes. Takes no lock.
 */
export async function findNodes(handle: ResticHandle, request: FindRequest, onSnapshot: (hits: SnapshotHits) => void): Promise<void> {
  const {pattern, ignoreCase, limit} = request;
  let hits: SnapshotNode[] = [];
  let omitted = 0;
  const split = splitObjects((text, isHit) => {
    if (isHit) {
      const {data} = nodeSchema.safeParse(parseJson(text));
      // restic's patterns also match everything below a folder of that name.
      if (!data || data.path === `/${emptyMarker}` || !pattern.matches(data.path, ignoreCase)) return;
      if (hits.length < limit) hits.push(data);
      else omitted += 1;
      return;
    }
    const {data} = endOfSnapshot.safeParse(parseJson(text));
    // What matched below the snapshot's root need not match below its data's.
    const ofData = data ? hits.flatMap((hit) => inData(handle, data.snapshot, hit)).filter(({path}) => pattern.matches(path, ignoreCase)) : [];
    if (data && ofData.length > 0) onSnapshot({snapshot: data.snapshot, hits: ofData, omitted});
    hits = [];
    omitted = 0;
  });
  await runRestic(handle, 'searching the snapshots', findArgs(request), {stdout: {onText: split}});
}

function inData(handle: ResticHandle, snapshot: string, node: SnapshotNode): SnapshotNode[] {
  const path = pathOfData(handle, snapshot, node.path);
  return path === undefined ? [] : [{...node, path}];
}

/** The argv of a search. */
export function findArgs({pattern, ignoreCase, within}: Omit<FindRequest, 'limit'>): string[] {
  return [
    'find',
    '--json',
    '--no-lock',
    ...(ignoreCase ? ['--ignore-case'] : []),
    ...('snapshot' in within ? ['--snapshot', within.snapshot] : within.tags.flatMap((tag) => ['--tag', tag])),
    '--',
    pattern.restic,
  ];
}

/**
 * Takes `[{"matches":[{…},{…}],"hits":2,"snapshot":"…"}]` apart, however the text is cut: each innermost object as it
 * is, and each object of the outer list without its matches.
 */
export function splitObjects(onObject: (text: string, isHit: boolean) => void): (text: string) => void {
  const open: string[] = [];
  let inString = false;
  let isEscaped = false;
  return (text) => {
    let begin = 0;
    const keep = (end: number) => {
      if (open.length > 0) open.push((open.pop() ?? '') + text.slice(begin, end));
      begin = end;
    };
    for (let index = 0; index < text.length; index += 1) {
      const character = text[index];
      if (isEscaped) isEscaped = false;
      else if (inString) {
        if (character === '\\') isEscaped = true;
        else if (character === '"') inString = false;
      } else if (character === '"') inString = true;
      else if (character === '{') {
        keep(index);
        open.push('');
      } else if (character === '}') {
        keep(index + 1);
        const isHit = open.length > 1;
        const object = open.pop() ?? '';
        onObject(isHit ? object : object.replace(/\[[\s,]*\]/, '[]'), isHit);
      }
    }
    keep(text.length);
  };
}
