import {readFile} from 'node:fs/promises';
import {execa} from 'execa';

/** The mount points at or below a directory, innermost last. */
async function mountsUnder(directory: string): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table
    .split('\n')
    .map((line) => unescapeMount(line.split(' ')[4] ?? ''))
    .filter((point) => point === directory || point.startsWith(`${directory}/`))
    .toSorted();
}

/** Unmounts everything at or below a directory; lazily where something still holds it. */
export async function unmountUnder(directory: string): Promise<void> {
  for (const point of (await mountsUnder(directory)).toReversed()) {
    const polite = await execa('umount', [point], {reject: false});
    if (polite.exitCode !== 0) await execa('umount', ['--lazy', point]);
  }
}

// The kernel writes spaces and the like in mount points as octal.
function unescapeMount(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
