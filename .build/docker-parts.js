import {createRequire} from 'node:module';
import {basename, dirname, join} from 'node:path';

const require = createRequire(import.meta.url);
const modem = dirname(createRequire(require.resolve('dockerode')).resolve('docker-modem'));
const dockerode = dirname(require.resolve('dockerode'));

const absent = (what) => `module.exports = () => { throw new Error('${what} of dockerode is not in the bundle'); };`;
/** By the file that dockerode or docker-modem would load at once, what comes in its place. */
const replacements = new Map([
  // gRPC and protobuf serve builds of images alone, and take three times as long to load as all the rest.
  [join(dockerode, 'session.js'), absent('The building of images')],
  [join(dockerode, 'buildkit.js'), absent('The building of images')],
  // Loaded for an engine on another machine only.
  [join(modem, 'ssh.js'), `module.exports = (...words) => require('timetiles:ssh')(...words);`],
]);
/** In front of the name of such a file; a path of this machine would show in the bundle. */
const prefix = '\0timetiles:';

/** Leaves out of the bundle what of dockerode this tool does not use, and has SSH loaded when it is needed. */
export function dockerParts() {
  const replaced = new Set();
  return {
    name: 'docker-parts',
    resolveId(source, importer) {
      if (source === 'timetiles:ssh') return join(modem, 'ssh.js');
      if (!source.startsWith('./') || importer === undefined) return null;
      const path = join(dirname(importer), `${source}.js`);
      return replacements.has(path) ? `${prefix}${basename(path)}` : null;
    },
    load(id) {
      if (!id.startsWith(prefix)) return null;
      const [path, text] = [...replacements].find(([file]) => basename(file) === id.slice(prefix.length));
      replaced.add(path);
      return text;
    },
    buildEnd() {
      for (const path of replacements.keys()) if (!replaced.has(path)) throw new Error(`nothing loads ${path} any more: see .build/docker-parts.js`);
    },
  };
}
