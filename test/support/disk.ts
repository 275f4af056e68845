import {randomBytes} from 'node:crypto';
import {mkdir, rmdir, statfs} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';
import {unmountUnder} from './mounts.ts';
import {mountsDirectory} from './paths.ts';

/** A file system of its own kind, until it is removed. What a killed run leaves is unmounted when a bench starts. */
export interface Disk {
  path: string;
  /** Bytes that can still be written. */
  free(): Promise<number>;
  remove(): Promise<void>;
}

/** Mounts an empty file system of this size, to be filled up. */
export async function smallDisk(sizeMebibytes: number): Promise<Disk> {
  return mounted(['-t', 'tmpfs', '-o', `size=${sizeMebibytes}m,mode=0700`, 'tmpfs']);
}

/** Mounts a directory once more, where nobody can write, not even root. */
export async function readOnlyView(directory: string): Promise<Disk> {
  const disk = await mounted(['--bind', directory]);
  try {
    await execa('mount', ['-o', 'remount,bind,ro', disk.path]);
    return disk;
  } catch (error) {
    await disk.remove();
    throw error;
  }
}

/** Runs a piece of a test with a small disk, and unmounts it whatever happens. */
export async function withSmallDisk<T>(sizeMebibytes: number, work: (disk: Disk) => Promise<T>): Promise<T> {
  const disk = await smallDisk(sizeMebibytes);
  try {
    return await work(disk);
  } finally {
    await disk.remove();
  }
}

async function mounted(mountArguments: string[]): Promise<Disk> {
  const path = join(mountsDirectory, randomBytes(4).toString('hex'));
  await mkdir(path, {recursive: true});
  try {
    await execa('mount', [...mountArguments, path]);
  } catch (error) {
    await rmdir(path);
    throw error;
  }
  return {
    path,
    free: async () => {
      const {bavail, bsize} = await statfs(path);
      return bavail * bsize;
    },
    remove: async () => {
      await unmountUnder(path);
      // Never recursively over a mount that is still there: rmdir fails on one.
      await rmdir(path);
    },
  };
}
