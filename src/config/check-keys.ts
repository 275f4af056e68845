import {foreignKeys, knownKeys, ownFamilies, resticVariables, sharedFamilies} from './keys.ts';

/** `app`: the app's own environment file, in which keys of the shared families may be the app's. */
export type FileOwner = 'tool' | 'app';

/**
 * Says what is wrong with a key that timetiles does not know, or undefined when it belongs to somebody else.
 * The message ends with the remedy.
 */
export function unknownKeyProblem(key: string, owner: FileOwner): string | undefined {
  if (knownKeys.has(key) || resticVariables.has(key) || foreignKeys.has(key)) return undefined;
  const near = nearestKey(key);
  const inOwnFamily = ownFamilies.some((family) => key.startsWith(family));
  const inSharedFamily = sharedFamilies.some((family) => key.startsWith(family));
  const isMistake = inOwnFamily || (inSharedFamily && (owner === 'tool' || near !== undefined));
  if (!isMistake) return undefined;
  return near === undefined
    ? `${key} is no key of timetiles: remove it (bootstrap.conf.example lists them all)`
    : `${key} is no key of timetiles: did you mean ${near}?`;
}

/** The known key within two edits, the closest first. */
function nearestKey(key: string): string | undefined {
  const candidates = [...knownKeys].map((known) => ({known, distance: editDistance(key, known)}));
  candidates.sort((a, b) => a.distance - b.distance);
  const [best] = candidates;
  return best && best.distance <= 2 ? best.known : undefined;
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
