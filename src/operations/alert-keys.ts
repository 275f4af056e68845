/**
 * The keys of alerts: the same key is the same trouble. A job that failed has its own name as key; the others are here.
 * These are the beginnings, up to a colon, of what is found by looking at the backups as they are (health.ts).
 */
export const findingFamilies = ['unfinished', 'stale', 'offsite-lag', 'suspicious', 'schedule', 'restore-test-overdue'] as const;
export type FindingFamily = (typeof findingFamilies)[number];

export type Place = 'local' | 'offsite';

/**
 * Damage by how it was found. What reading the data has found is only over when all of it has been read again: a look at
 * the structure cannot tell.
 */
export function damageKeys(place: Place): {readonly structure: string; readonly data: string} {
  return place === 'local' ? {structure: 'damage', data: 'damage-data'} : {structure: 'damage-offsite', data: 'damage-data-offsite'};
}
