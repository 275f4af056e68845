import {write} from 'node:fs';
import {promisify} from 'node:util';

const writeSome = promisify(write);

/** Writes all of it to a descriptor, such as a pipe whose reader is slow: nothing piles up in memory. */
export async function writeBytes(fd: number, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) offset += (await writeSome(fd, bytes, offset)).bytesWritten;
}
