import {randomInt} from 'node:crypto';

/** Numbers from 0 to 1 that are the same for the same seed; a run that failed is repeated with TIMETILES_SEED. */
export function seededRandom(seed: number = Number(process.env['TIMETILES_SEED'] ?? randomInt(2 ** 31))): {seed: number; random: () => number} {
  // Mulberry32, by Tommy Ettinger (public domain).
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {seed, random};
}
