#!/usr/bin/env node
import {enableCompileCache} from 'node:module';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(`Error: timetiles needs Node 22.13 or newer; this is ${process.versions.node}.\nInstall a newer Node.js.\n`);
  process.exit(1);
}

// The cache has to be on before the first import that it should speed up.
enableCompileCache();
const {execute} = await import('@oclif/core');
await execute({dir: import.meta.url});
