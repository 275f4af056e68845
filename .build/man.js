// Writes the manual pages into share/man; part of `npm run build`. Their code is TypeScript in src/man/, so that types
// and tests know it, and not part of dist/: bundled in memory, since Node before 22.18 cannot run it as it is.
import {execFileSync} from 'node:child_process';
import {rolldown} from 'rolldown';

/** Writes the pages, from package.json, oclif.manifest.json and bootstrap.conf.example. */
export async function writeManual(root, directory = `${root}/share/man`) {
  const bundle = await rolldown({input: `${root}/src/man/main.ts`, platform: 'node', logLevel: 'warn'});
  const {output} = await bundle.generate({format: 'esm'});
  const {writeManPages} = await import(`data:text/javascript,${encodeURIComponent(output[0].code)}`);
  writeManPages(root, directory, dateOfSources(root));
}

/** Not that of the build: the same sources make the same pages. Empty where nothing tells it. */
function dateOfSources(root) {
  const epoch = process.env.SOURCE_DATE_EPOCH;
  if (epoch) return new Date(Number(epoch) * 1000).toISOString().slice(0, 10);
  try {
    return execFileSync('git', ['log', '-1', '--format=%cs'], {cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore']}).trim();
  } catch {
    return '';
  }
}
