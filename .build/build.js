// Bundles the commands into dist/, writes oclif.manifest.json and what is made of it in share/; `npm run build`. Bundled, the tool starts
// 150 ms sooner than from the hundreds of small files that execa, zod and the sources are: docs/decisions/0004.
import {globSync, rmSync, writeFileSync} from 'node:fs';
import {dirname} from 'node:path';
import {fileURLToPath} from 'node:url';
import {Plugin} from '@oclif/core';
import {build} from 'rolldown';
import {dockerParts} from './docker-parts.js';
import {externalPackages} from './external.js';
import {writeCompletionScripts} from './completion.js';
import {writeManual} from './man.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const entries = ['src/cli/help.ts', 'src/cli/unknown-command.ts', 'src/cli/complete/main.ts', ...globSync('src/commands/**/*.ts', {cwd: root})];

for (const made of ['dist', 'share']) rmSync(`${root}/${made}`, {recursive: true, force: true});
await build({
  cwd: root,
  input: Object.fromEntries(entries.map((path) => [path.slice('src/'.length, -'.ts'.length), path])),
  platform: 'node',
  external: externalPackages,
  plugins: [dockerParts()],
  output: {dir: 'dist', format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js'},
  logLevel: 'warn',
});

// With the manifest oclif imports only the command that is run.
const plugin = new Plugin({root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true});
await plugin.load();
writeFileSync(`${root}/oclif.manifest.json`, `${JSON.stringify(plugin.manifest, undefined, 2)}\n`);

writeCompletionScripts(root);
await writeManual(root);
