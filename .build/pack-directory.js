// Makes a release directory: what `bootstrap` installs, and what both tarballs hold.
import {spawnSync} from 'node:child_process';
import {chmodSync, copyFileSync, existsSync, lutimesSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync} from 'node:fs';
import {basename, dirname, extname, join} from 'node:path';
import {packagePaths, packedManifest} from './pack-packages.js';

/** What the sources hold for the release, as far as it is tracked by git: nobody's notes or passwords that lie beside them. */
const sources = ['bin', 'bootstrap', 'bootstrap.conf.example', 'docs', 'README.md', 'CHANGELOG.md'];
/** What `npm run build` makes. */
const built = ['dist', 'share', 'oclif.manifest.json'];

/** The Node that the checkout runs on, of the npm package `node`. */
const runtime = 'node_modules/node/bin/node';

/** What no program reads. */
const uselessNames = new Set(['test', 'tests', '__tests__', 'example', 'examples', 'benchmark', '.github', 'node_modules']);
const uselessExtensions = new Set(['.md', '.markdown', '.map', '.ts', '.mts', '.cts', '.flow', '.yml', '.tsbuildinfo', '.c', '.cc', '.h', '.gyp', '.exe', '.node']);

/** Fills an empty directory with a release. `time`: the date of everything in it, in seconds. */
export function makeDirectory({root, directory, withRuntime, time}) {
  const missing = built.filter((path) => path !== 'share' && !existsSync(join(root, path)));
  if (missing.length > 0) throw new Error(`${missing.join(' and ')} missing: npm run build makes it`);
  if (withRuntime && !existsSync(join(root, runtime))) throw new Error(`${runtime} missing: bash test/setup/prepare.sh node installs it`);
  for (const path of sourceFiles(root)) copyFile(join(root, path), join(directory, path));
  for (const path of built) copyTree(join(root, path), join(directory, path), () => true);
  for (const path of packagePaths(root)) copyPackage(join(root, path), join(directory, path));
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(packedManifest(root), undefined, 2)}\n`, {mode: 0o644});
  if (withRuntime) copyRuntime(root, directory);
  setTimes(directory, time);
}

/** A file in a package that a program may read. `path`: relative to the package. */
function isUseful(path) {
  if (/^licen[cs]e/i.test(basename(path))) return true;
  if (path === 'lib/protocol/crypto/build') return false;
  return !(uselessNames.has(path) || basename(path).startsWith('.') || uselessExtensions.has(extname(path)));
}

/** Without scripts and optional packages: both are there to compile native parts, and npm would try to when it installs the tarball. */
function copyPackage(from, to) {
  copyTree(from, to, isUseful);
  const {scripts: _scripts, optionalDependencies: _optional, devDependencies: _development, gypfile: _gyp, ...rest} = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(rest, undefined, 2)}\n`);
}

/** A copy of the sources without git is taken as it is. */
function sourceFiles(root) {
  const known = git(root, ['ls-files', '-z', '--', ...sources])?.split('\0') ?? [];
  const files = known.filter((path) => path !== '' && existsSync(join(root, path)));
  return files.length > 0 ? files : sources.flatMap((path) => filesBelow(root, path));
}

function filesBelow(root, path) {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path)).flatMap((name) => filesBelow(root, `${path}/${name}`));
}

/** What git says of the checkout; undefined where there is no git or no checkout. Root may pack a checkout of somebody else, which git has to be told. */
export function git(root, words) {
  const result = spawnSync('git', ['-c', `safe.directory=${root}`, '-C', root, ...words], {encoding: 'utf8'});
  return result.status === 0 ? result.stdout : undefined;
}

function copyRuntime(root, directory) {
  copyFile(join(root, runtime), join(directory, 'runtime/bin/node'));
  copyFile(join(root, `node_modules/node/node_modules/node-linux-${process.arch}/LICENSE`), join(directory, 'runtime/LICENSE'));
}

function copyTree(from, to, isWanted, path = '') {
  const source = join(from, path);
  if (!existsSync(source)) return;
  if (!statSync(source).isDirectory()) return copyFile(source, join(to, path));
  for (const name of readdirSync(source)) {
    const next = path === '' ? name : `${path}/${name}`;
    if (isWanted(next)) copyTree(from, to, isWanted, next);
  }
}

/** Whatever umask the checkout was made with, everybody may read and run what is installed, and only its owner change it. */
function copyFile(from, to) {
  mkdirSync(dirname(to), {recursive: true, mode: 0o755});
  copyFileSync(from, to);
  chmodSync(to, (statSync(from).mode & 0o100) === 0 ? 0o644 : 0o755);
}

function setTimes(path, time) {
  if (statSync(path).isDirectory()) for (const name of readdirSync(path)) setTimes(join(path, name), time);
  lutimesSync(path, time, time);
}
