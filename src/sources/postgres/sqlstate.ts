/** Kinds of PostgreSQL errors that are acted upon ("PostgreSQL Error Codes" in its manual). */
export const sqlstates = {
  diskFull: '53100',
  /** Sessions, slots, subscriptions or prepared transactions hold a database. */
  objectInUse: '55006',
  /** Something else depends on what is to be dropped. */
  dependentObjects: '2BP01',
} as const;

/** `ERROR:  53100: could not extend …`, whatever the language of its first word; psql puts file and line before it. */
const reported = /^(?:psql:[^:]*:\d+: )?[^\s:]+:\s+([0-9A-Z]{5}): /m;

/** The SQLSTATE of the first error in what psql printed with VERBOSITY=verbose. Pure. */
export function sqlstateIn(stderr: string): string | undefined {
  return reported.exec(stderr)?.[1];
}
