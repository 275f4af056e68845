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

/** Levenshtein's distance with swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({length: b.length + 1}, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(at(i - 1, j) + 1, (row[j - 1] ?? 0) + 1, at(i - 1, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, at(i - 2, j - 2) + 1);
      row.push(best);
    }
  }
  return at(a.length, b.length);
}
