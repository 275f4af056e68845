// Makes a release: `npm run pack:release`, see docs/release.md.
//   node .build/pack.js [--output DIR]                  both tarballs and their checksums, into release/ unless told
//   node .build/pack.js --directory DIR [--runtime]     only a release directory, as bootstrap installs it from a checkout
import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {dirname, join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {git, makeDirectory} from './pack-directory.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.umask(0o022);
try {
  const {values} = parseArgs({options: {output: {type: 'string'}, directory: {type: 'string'}, runtime: {type: 'boolean', default: false}}});
  if (values.directory === undefined ? values.runtime : values.output !== undefined) throw new Error('--runtime goes with --directory, --output without it');
  if (values.directory === undefined) packRelease(resolve(values.output ?? join(root, 'release')));
  else packDirectory(resolve(values.directory), values.runtime);
} catch (error) {
  process.stderr.write(`pack: ${error.message}\n`);
  process.exitCode = 1;
}

function packDirectory(directory, withRuntime) {
  if (existsSync(directory) && readdirSync(directory).length > 0) throw new Error(`${directory} is not empty`);
  inPlaceOf(directory, (work) => makeDirectory({root, directory: work, withRuntime, time: releaseTime()}));
  process.stdout.write(`${directory}\n`);
}

function packRelease(output) {
  const {version} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const selfContained = `timetiles-${version}-linux-${process.arch}`;
  const time = releaseTime();
  const others = existsSync(output) ? readdirSync(output).filter((name) => !/^(timetiles-.*|SHA256SUMS)$/.test(name)) : [];
  if (others.length > 0) throw new Error(`${output} holds other things than a release, and would be replaced`);
  inPlaceOf(output, (work) => {
    makeDirectory({root, directory: join(work, 'package'), withRuntime: false, time});
    pack(work, 'package', `timetiles-${version}.tgz`, time);
    rmSync(join(work, 'package'), {recursive: true});
    makeDirectory({root, directory: join(work, selfContained), withRuntime: true, time});
    pack(work, selfContained, `${selfContained}.tar.gz`, time);
    const archives = readdirSync(work).filter((name) => name.endsWith('gz')).toSorted();
    writeFileSync(join(work, 'SHA256SUMS'), archives.map((name) => `${sha256(join(work, name))}  ${name}\n`).join(''));
  });
  for (const name of readdirSync(output).toSorted()) process.stdout.write(`${join(output, name)}\n`);
}

/** Replaces a place. Everything is made beside it, so that nothing half made ever has the name of a release. */
function inPlaceOf(place, make) {
  const work = `${place}.${process.pid}.tmp`;
  rmSync(work, {recursive: true, force: true});
  mkdirSync(work, {recursive: true});
  try {
    make(work);
    rmSync(place, {recursive: true, force: true});
    renameSync(work, place);
  } finally {
    rmSync(work, {recursive: true, force: true});
  }
}

/** The same sources make the same bytes, whoever packs them and when. */
function pack(directory, folder, archive, time) {
  const same = ['--sort=name', '--format=ustar', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${time}`, '--mode=u=rwX,go=rX'];
  const tar = join(directory, 'work.tar');
  execFileSync('tar', [...same, '--create', '--file', tar, '--directory', directory, folder]);
  execFileSync('gzip', ['--no-name', tar]);
  renameSync(`${tar}.gz`, join(directory, archive));
}

/** In seconds: SOURCE_DATE_EPOCH where a packager sets it, else the last commit, else the lock file. */
function releaseTime() {
  const wanted = process.env.SOURCE_DATE_EPOCH ?? git(root, ['log', '-1', '--format=%ct'])?.trim() ?? String(Math.floor(statSync(join(root, 'package-lock.json')).mtimeMs / 1000));
  if (!/^\d+$/.test(wanted)) throw new Error('SOURCE_DATE_EPOCH must be a number of seconds');
  return Number(wanted);
}

function sha256(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
