import {editDistance} from '../shared/edit-distance.ts';
import {families, foreignKeys, knownKeys, ownFamilies, resticVariables} from './keys.ts';
import type {FileOwner} from './parse.ts';

/**
 * Says what is wrong with a key that timetiles does not know, or undefined when it belongs to somebody else.
 * The message ends with the remedy.
 */
export function unknownKeyProblem(key: string, owner: FileOwner): string | undefined {
  if (knownKeys.has(key) || resticVariables.has(key) || foreignKeys.has(key)) return undefined;
  const near = nearestKey(key, owner);
  const isOurs = (owner === 'tool' ? families : ownFamilies).some((family) => key.startsWith(family));
  if (!isOurs && (near === undefined || !families.some((family) => key.startsWith(family)))) return undefined;
  return near === undefined
    ? `${key} is no key of timetiles: remove it (bootstrap.conf.example lists them all)`
    : `${key} is no key of timetiles: did you mean ${near}?`;
}

/** The known key within two edits, the closest first. In the app's file a short word of its own, such as DB_POOL, is none for a short word of ours. */
function nearestKey(key: string, owner: FileOwner): string | undefined {
  const candidates = [...knownKeys].map((known) => ({known, distance: editDistance(key, known)}));
  candidates.sort((a, b) => a.distance - b.distance);
  const [best] = candidates;
  if (best === undefined) return undefined;
  const family = families.filter((candidate) => best.known.startsWith(candidate)).toSorted((a, b) => b.length - a.length)[0] ?? '';
  const isShort = best.known.length - family.length < 6;
  const isNumbered = owner === 'app' && /\d$/.test(key) && !/\d$/.test(best.known);
  return !isNumbered && best.distance <= (owner === 'app' && isShort ? 1 : 2) ? best.known : undefined;
}
