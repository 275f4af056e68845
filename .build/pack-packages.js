// The npm packages that the built tool needs at run time, from node_modules as `npm ci` has checked them.
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {externalPackages} from './external.js';

/**
 * What is outside the bundle, and all that it needs, by the lock file. Native parts are optional in all of them, and left out: they
 * would fit the machine that packs, not the one that installs.
 * @returns paths such as `node_modules/a/node_modules/b`
 */
export function packagePaths(root) {
  const {packages} = readJson(join(root, 'package-lock.json'));
  const found = new Set();
  const add = (from, name) => {
    const path = resolvePackage(packages, from, name);
    if (path === undefined) throw new Error(`package-lock.json does not say where ${from || 'timetiles'} finds ${name}`);
    if (found.has(path)) return;
    found.add(path);
    requireLockedVersion(root, path, packages[path].version);
    for (const needed of Object.keys(packages[path].dependencies ?? {})) add(path, needed);
  };
  for (const name of externalPackages) add('', name);
  return [...found];
}

/** The package.json of the release: what runs, and nothing about how it is made. npm finds the packages in the tarball itself. */
export function packedManifest(root) {
  const {name, version, description, type, bin, engines, oclif} = readJson(join(root, 'package.json'));
  const {packages} = readJson(join(root, 'package-lock.json'));
  const dependencies = Object.fromEntries(externalPackages.toSorted().map((external) => [external, packages[`node_modules/${external}`].version]));
  return {name, version, description, type, bin, engines, oclif, dependencies, bundleDependencies: Object.keys(dependencies)};
}

/** As Node looks for a package: beside the one that needs it, then further up. */
function resolvePackage(packages, from, name) {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf('/node_modules/')))) {
    const path = `${place === '' ? '' : `${place}/`}node_modules/${name}`;
    if (path in packages) return path;
    if (place === '') return undefined;
  }
}

function requireLockedVersion(root, path, wanted) {
  const {version} = readJson(join(root, path, 'package.json'));
  if (version !== wanted) throw new Error(`${path} is ${version}, not ${wanted} as package-lock.json says; run npm ci`);
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
