#!/usr/bin/env node
import {readFileSync} from 'node:fs';

const {node} = process.versions;
const [major = 0, minor = 0] = node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(`Error: timetiles needs Node 22.13 or newer; this is ${node}.\nInstall a newer Node.js.\n`);
  process.exit(1);
}

if (process.argv[2] === '--version') {
  // What monitoring asks every minute needs no framework: a quarter of the time.
  const {version} = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  process.stdout.write(`timetiles/${version} ${process.platform}-${process.arch} node-v${node}\n`);
} else {
  void start();
}

/** A function, since a Node that is too old to know `await` outside of one has to get as far as saying so. */
async function start() {
  // The cache has to be on before the first import that it should speed up.
  const {enableCompileCache} = await import('node:module');
  enableCompileCache();
  const {execute} = await import('@oclif/core');
  // Not awaited: when the reader of a pipe has gone (… | head), oclif waits for ever, which Node would report.
  void execute({dir: import.meta.url, args: wantsMenu() ? ['menu', ...process.argv.slice(2)] : process.argv.slice(2)});
}

/** No command was named, and there is a human to ask. */
function wantsMenu() {
  return process.argv.slice(2).every((word) => word === '--plain') && [process.stdin, process.stdout, process.stderr].every((stream) => stream.isTTY);
}
