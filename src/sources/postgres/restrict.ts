import {runExec} from '../../docker/exec.ts';
import type {Connection} from './connection.ts';

/** The first minor version of each major one whose psql knows `\restrict`, which pg_dump writes since the same day. */
const firstMinor: Readonly<Record<number, number>> = {13: 22, 14: 19, 15: 14, 16: 10, 17: 6};

/** Whether the psql of the container takes the two lines `\restrict` and `\unrestrict` of newer dumps. */
export async function readRestrictSupport(connection: Connection): Promise<boolean> {
  const result = await runExec(connection.docker, {container: connection.container.id, command: ['psql', '--version'], environment: {}, limit: 60});
  return knowsRestrict(result.stdout);
}

/** Pure. @param text such as `psql (PostgreSQL) 17.5 (Debian 17.5-1)` */
export function knowsRestrict(text: string): boolean {
  const [, major, minor] = /\)\s+(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  if (major === undefined) return false;
  const first = firstMinor[Number(major)];
  // A beta of 18 has no minor version, nor these commands.
  return first === undefined ? Number(major) >= 18 && minor !== undefined : Number(minor ?? 0) >= first;
}
