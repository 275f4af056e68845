import {mkdir, open, rename, rm} from 'node:fs/promises';
import {dirname} from 'node:path';

/** Writes a file so that after a crash it is there whole or not at all: temporary file, fsync, rename, fsync of the directory. Mode 0600 unless told. */
export async function writeFileAtomically(path: string, content: string, mode = 0o600): Promise<void> {
  await mkdir(dirname(path), {recursive: true, mode: 0o700});
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'w', mode);
  try {
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, {force: true});
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Makes renames inside a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
