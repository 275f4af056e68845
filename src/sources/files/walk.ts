import type {Dirent} from 'node:fs';
import {readdir} from 'node:fs/promises';

const slash = Buffer.from('/');
const decoder = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

/** Every file and symbolic link below a directory, as `/2024/photo.jpg`, with names as restic prints them in JSON. */
export async function* walkFiles(directory: string): AsyncGenerator<string> {
  const folders = [{path: Buffer.from(directory), shown: ''}];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    const entries: Dirent<Buffer>[] = await readdir(folder.path, {withFileTypes: true, encoding: 'buffer'});
    for (const entry of entries) {
      const shown = `${folder.shown}/${jsonName(entry.name)}`;
      if (entry.isDirectory()) folders.push({path: Buffer.concat([folder.path, slash, entry.name]), shown});
      else if (entry.isFile() || entry.isSymbolicLink()) yield shown;
    }
  }
}

/** A name as Go writes it into JSON: each byte that belongs to no character becomes U+FFFD, where Node takes several bytes for one. */
export function jsonName(name: Buffer): string {
  const whole = decode(name);
  if (whole !== undefined) return whole;
  let text = '';
  for (let start = 0; start < name.length; ) {
    const length = lengthOfCharacter(name[start] ?? 0);
    const character = start + length > name.length ? undefined : decode(name.subarray(start, start + length));
    text += character ?? '\u{FFFD}';
    start += character === undefined ? 1 : length;
  }
  return text;
}

function lengthOfCharacter(firstByte: number): number {
  if (firstByte < 0xc0) return 1;
  if (firstByte < 0xe0) return 2;
  return firstByte < 0xf0 ? 3 : 4;
}

/** Undefined for what is no UTF-8. */
function decode(bytes: Buffer): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
