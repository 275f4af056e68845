import {editDistance} from '../shared/edit-distance.ts';

/** The closest of the candidates, where one is so close that it may be a slip of the keyboard. Pure. */
function nearest(word: string, candidates: readonly string[]): string | undefined {
  // Two edits make any word of two letters of any other one.
  const limit = word.length < 4 ? 1 : 2;
  const [best] = candidates.map((candidate) => ({candidate, distance: editDistance(word, candidate)})).toSorted((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= limit && best.distance < word.length ? best.candidate : undefined;
}

/**
 * The command that somebody may have meant: one with nearly these words, else the one of a topic whose last word it is. Pure.
 * @param ids the commands, with a colon between their words
 */
export function nearestCommand(id: string, ids: readonly string[]): string | undefined {
  const whole = nearest(id, ids);
  if (whole !== undefined || id.includes(':')) return whole;
  const byLastWord = new Map(ids.filter((candidate) => candidate.includes(':')).map((candidate) => [candidate.slice(candidate.lastIndexOf(':') + 1), candidate]));
  const word = nearest(id, [...byLastWord.keys()]);
  return word === undefined ? undefined : byLastWord.get(word);
}

/** A flag of the command that somebody may have meant, or a word that it takes, such as `latest`. Pure. */
export function nearestFlag(flag: string, flags: readonly string[], usage: string): string | undefined {
  const words = [...usage.matchAll(/(?<![-\w])[a-z]{4,}(?![-\w])/g)].map(([word]) => word);
  const name = nearest(flag.replace(/^--?/, ''), [...flags, ...words]);
  return name === undefined || words.includes(name) ? name : `--${name}`;
}
