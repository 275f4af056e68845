import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {answer} from './answer.ts';
import type {Grammar} from './grammar.ts';

/** Answers a shell that completes a command line. Whatever goes wrong, no message may get into the prompt. */
export function complete(root: string, words: readonly string[]): void {
  try {
    process.stdout.on('error', () => {});
    process.stdout.write(answer(readGrammar(root), {words, environment: process.env}).map((line) => `${line}\n`).join(''));
  } catch {
    // Then nothing is offered.
  }
}

function readGrammar(root: string): Grammar {
  const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'));
  return {commands: read('oclif.manifest.json').commands, topics: read('package.json').oclif.topics};
}
