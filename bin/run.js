#!/usr/bin/env node
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

const {node} = process.versions;
const [major = 0, minor = 0] = node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(`Error: timetiles needs Node 22.13 or newer; this is ${node}.\nInstall a newer Node.js.\n`);
  process.exit(1);
}

// What Node will do away with one day is for those who develop the tool, not for those who run it.
process.noDeprecation = true;

if (process.argv[2] === '--version') {
  // What monitoring asks every minute needs no framework: a quarter of the time.
  const {version} = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  process.stdout.write(`timetiles/${version} ${process.platform}-${process.arch} node-v${node}\n`);
} else if (process.argv[2] === '--complete-words') {
  void answer();
} else {
  void start();
}

// Functions, since a Node that is too old to know `await` outside of one has to get as far as saying so.

/** A shell waits for this with every Tab: what the commands need is not even loaded. */
async function answer() {
  const {complete} = await import('../dist/cli/complete/main.js');
  complete(fileURLToPath(new URL('..', import.meta.url)), process.argv.slice(3));
}

async function start() {
  // The cache has to be on before the first import that it should speed up.
  const {enableCompileCache} = await import('node:module');
  enableCompileCache();
  const {execute} = await import('@oclif/core');
  // Not awaited: when the reader of a pipe has gone (… | head), oclif waits for ever, which Node would report.
  void execute({dir: import.meta.url, args: wantsMenu() ? ['menu', ...process.argv.slice(2)] : inOrder(process.argv.slice(2))});
}

/** The earlier command line of TimeTiles took `backup --offsite db`; here what follows `backup` is the command. */
function inOrder(words) {
  const [first, flag, second] = words;
  const isMeant = first === 'backup' && flag === '--offsite' && ['full', 'db', 'database', 'uploads', 'list', 'verify', 'auto'].includes(second);
  return isMeant ? [first, second, flag, ...words.slice(3)] : words;
}

/** No command was named, and there is a human to ask. */
function wantsMenu() {
  return process.argv.slice(2).every((word) => word === '--plain') && [process.stdin, process.stdout, process.stderr].every((stream) => stream.isTTY);
}
