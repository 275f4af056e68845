import {statfsSync, statSync} from 'node:fs';
import {TimetilesError} from '../shared/errors.ts';
import {formatBytes, shellWord} from '../shared/format.ts';

const mebibyte = 1024 ** 2;
/** Of statfs(2): a file system in memory. */
const tmpfsMagic = 0x01_02_19_94;
/** How often a disk is looked at while it is filled, in milliseconds. */
const watchInterval = 200;

/** A file system as it is now. */
export interface Disk {
  /** In words, such as `the disk of /srv/uploads`. */
  readonly name: string;
  readonly path: string;
  /** The number that the kernel of this host has for it; undefined for one of another host. */
  readonly device: number | undefined;
  readonly isInMemory: boolean;
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** The command that shows how full it is. */
  readonly look: string;
}

/** What something takes of a disk. */
export interface RoomNeed {
  /** Such as `the database app`. */
  readonly what: string;
  readonly bytes: number;
  /** What has to stay free beside it. */
  readonly reserve: number;
  readonly disk: Disk;
}

/** The disk of a path of this host. */
export function diskOf(path: string): Disk {
  const {bavail, bsize, blocks, type} = statfsSync(path);
  return {
    name: `the disk of ${path}`,
    path,
    device: statSync(path).dev,
    isInMemory: type === tmpfsMagic,
    totalBytes: blocks * bsize,
    freeBytes: bavail * bsize,
    look: `df -h ${shellWord(path)}`,
  };
}

/** What files may leave free of their disk: whoever writes at the same time must not be stopped by a restore. */
export function reserveFor({totalBytes}: Disk, least = 0): number {
  return Math.max(least, Math.min(totalBytes / 20, 256 * mebibyte));
}

/**
 * Makes sure that everything fits together, also where several things share a disk. Pure.
 * @throws TimetilesError `no-room` that names the disk
 */
export function requireRoom(needs: readonly RoomNeed[]): void {
  for (const {disk} of needs) {
    const shared = needs.filter((need) => isSameDisk(need.disk, disk));
    const bytes = shared.reduce((sum, need) => sum + need.bytes, 0);
    const reserve = Math.max(...shared.map((need) => need.reserve));
    if (disk.freeBytes >= bytes + reserve) continue;
    const parts = shared.length === 1 ? '' : `: ${shared.map((need) => `${formatBytes(need.bytes)} for ${need.what}`).join(', ')}`;
    const others = [...new Set(shared.map((need) => need.disk.name))].join(' and ');
    throw new TimetilesError(
      'no-room',
      `restoring needs ${formatBytes(bytes)} beside the live data on ${others}${parts}, and ${formatBytes(reserve)} have to stay free; but its disk has only ${formatBytes(disk.freeBytes)} free`,
      `Free some space on it (${disk.look}); the live data stays until the new one is checked.`,
      {room: {path: disk.path, bytesMissing: bytes + reserve - disk.freeBytes}},
    );
  }
}

/** Layers and subvolumes have numbers of their own on a disk that they share; then both sizes are the same. */
function isSameDisk(one: Disk, other: Disk): boolean {
  if (one.device !== undefined && one.device === other.device) return true;
  if (one.isInMemory || other.isInMemory || one.totalBytes !== other.totalBytes) return false;
  return Math.abs(one.freeBytes - other.freeBytes) < mebibyte;
}

/** Something else fills the disk, or the need was underestimated: the work ends before nobody can write any more. */
export function stoppedForRoom(disk: Disk, reserve: number): TimetilesError {
  return new TimetilesError(
    'no-room',
    `${disk.name} has only ${formatBytes(disk.freeBytes)} free: the restore was stopped before it was full, since whoever else writes to it needs the last ${formatBytes(reserve)}`,
    `Free some space on it (${disk.look}), then restore again.`,
    {room: {path: disk.path, bytesMissing: reserve - disk.freeBytes}},
  );
}

/**
 * Does work that fills a disk of this host, and ends it when the disk gets full.
 * @param work gets the signal that ends it
 * @throws TimetilesError `no-room` when it was ended
 */
export async function whileRoomIsLeft<Result>(path: string, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const full = new AbortController();
  const look = () => {
    const disk = diskOf(path);
    const reserve = reserveFor(disk);
    if (disk.freeBytes < reserve / 2) full.abort(stoppedForRoom(disk, reserve / 2));
  };
  const timer = setInterval(() => {
    try {
      look();
    } catch (error) {
      // Such as a disk that is gone.
      full.abort(error);
    }
  }, watchInterval);
  try {
    return await work(AbortSignal.any([full.signal, ...(signal ? [signal] : [])]));
  } finally {
    clearInterval(timer);
  }
}
