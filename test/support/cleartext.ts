import {existsSync} from 'node:fs';
import {readdir, readFile, readlink, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';
import {processesNaming} from './processes.ts';
import type {Stack} from './stack.ts';

/** Every file that holds the text: of the tool, in its own directories, the machine's temporary ones and the container's, open and unlinked ones too. */
export async function filesHolding(stack: Stack, text: string): Promise<string[]> {
  const places = [stack.home, stack.userHome, stack.scratch, ...['/tmp', '/var/tmp', '/dev/shm', '/run'].filter((place) => existsSync(place))];
  const [closed, open, inside] = await Promise.all([
    Promise.all(places.map((place) => search(place, text))),
    openFilesHolding(stack, text),
    stack.docker(['exec', stack.postgres, 'grep', '--recursive', '--files-with-matches', '--', text, '/tmp', '/var/tmp', '/dev/shm', '/run'], {mayFail: true}),
  ]);
  const found = [...closed.flat(), ...open, ...inside.stdout.split('\n').filter((line) => line !== '').map((line) => `container: ${line}`)];
  return [...new Set(found)];
}

/** Only files of the last minutes: the machine's temporary directories may hold a lot. */
async function search(place: string, text: string): Promise<string[]> {
  const recent = ['-xdev', '-type', 'd', '(', '-name', '.cache', '-o', '-name', 'node_modules', ')', '-prune', '-o', '-type', 'f', '-mmin', '-10', '-size', '-1000M'];
  const matching = ['-exec', 'grep', '--files-with-matches', '--fixed-strings', '--', text, '{}', '+'];
  // The tool's own directories are below a `.cache`, which is only left out further down.
  const {stdout} = await execa('find', [`${place}/`, ...recent, ...matching], {reject: false});
  return stdout.split('\n').filter((line) => line !== '');
}

async function openFilesHolding(stack: Stack, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await processesNaming(stack.userHome, 'environ')) {
    const directory = `/proc/${pid}/fd`;
    for (const fd of await readdir(directory).catch(() => [])) {
      const path = join(directory, fd);
      const isFile = await stat(path).then((status) => status.isFile(), () => false);
      if (!isFile) continue;
      const content = await readFile(path).catch(() => Buffer.alloc(0));
      if (content.includes(text)) found.push(`process ${pid}: ${await readlink(path)}`);
    }
  }
  return found;
}
