import {chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {execa} from 'execa';
import {expect, it} from 'vitest';
import {temporaryDirectory} from '../support.ts';

const bin = fileURLToPath(new URL('../../../bin', import.meta.url));
/** In the place of the tool: tells how it was started. */
const probe = `console.log(JSON.stringify({node: process.argv0, words: process.argv.slice(1), root: process.env.TIMETILES_ROOT, home: process.env.TIMETILES_HOME})); process.exitCode = 3;`;

/** An installation with awkward names: a version, `current` that leads to it, and links to the launcher. */
function install({withRuntime, tools = "o'tool $HOME"}: {withRuntime: boolean; tools?: string}): {current: string; link: string; empty: string; path: string} {
  const directory = realpathSync(temporaryDirectory());
  const version = join(directory, tools, '1.0.0 x');
  for (const part of ['bin', 'runtime/bin']) mkdirSync(join(version, part), {recursive: true});
  for (const part of ['empty', 'path', 'links']) mkdirSync(join(directory, part));
  copyFileSync(join(bin, 'timetiles'), join(version, 'bin/timetiles'));
  writeFileSync(join(version, 'bin/run.js'), probe);
  const current = join(directory, tools, 'current');
  symlinkSync('1.0.0 x', current);
  symlinkSync(join(current, 'bin/timetiles'), join(directory, 'links/absolute'));
  symlinkSync('absolute', join(directory, 'links/time tiles'));
  symlinkSync(process.execPath, join(directory, 'path/node'));
  if (withRuntime) symlinkSync(process.execPath, join(version, 'runtime/bin/node'));
  return {current, link: join(directory, 'links/time tiles'), empty: join(directory, 'empty'), path: join(directory, 'path')};
}

const launch = (file: string, words: string[], path: string) => execa(file, words, {env: {PATH: `${path}:/usr/bin:/bin`}, extendEnv: false, reject: false});

it('runs its own Node, found through symlinks, and keeps words and exit code as they are', async () => {
  const {current, link, empty} = install({withRuntime: true});
  const words = ['backup', 'a b', '', "it's", '$HOME', '*', '-e'];
  const {stdout, exitCode} = await launch(link, words, empty);
  expect(exitCode).toBe(3);
  expect(JSON.parse(stdout)).toEqual({node: join(current, 'runtime/bin/node'), words: [join(current, 'bin/run.js'), ...words], root: current});
});

it('runs the Node of PATH where the installation has none, however it is called', async () => {
  const {current, path} = install({withRuntime: false});
  const calls = 'cd "$1/bin"; ./timetiles one; PATH="$1/bin:$PATH" timetiles two; sh timetiles three; cd ..; export CDPATH=/usr; bin/timetiles four';
  const {stdout} = await launch('sh', ['-c', calls, 'sh', current], path);
  const told = stdout.split('\n').map((line) => JSON.parse(line));
  expect(told).toEqual(['one', 'two', 'three', 'four'].map((word) => ({node: join(path, 'node'), words: [join(current, 'bin/run.js'), word], root: current})));
});

it('finds the installation directory that it was installed into, unless another one is named', async () => {
  const {link, empty} = install({withRuntime: true, tools: 'srv/back up/tool'});
  const homeOf = async (env: Record<string, string>) => JSON.parse((await execa(link, ['doctor'], {env: {PATH: `${empty}:/usr/bin:/bin`, ...env}, extendEnv: false, reject: false})).stdout).home;
  expect(await homeOf({})).toMatch(/\/srv\/back up$/);
  expect(await homeOf({TIMETILES_HOME: ''})).toMatch(/\/srv\/back up$/);
  expect(await homeOf({TIMETILES_HOME: '/elsewhere'})).toBe('/elsewhere');
});

it('says so when there is no Node at all', async () => {
  const {current, empty} = install({withRuntime: false});
  const result = await execa(join(current, 'bin/timetiles'), ['doctor'], {env: {PATH: empty}, extendEnv: false, reject: false});
  expect(result).toMatchObject({exitCode: 1, stdout: '', stderr: 'Error: timetiles needs Node 22.13 or newer, and there is no node in PATH.\nInstall Node.js, or the release of timetiles that has its own.'});
});

it('starts a program that also a Node of 2019 can parse, so that it gets as far as saying that it is too old', () => {
  const text = readFileSync(join(bin, 'run.js'), 'utf8').replace(/^#!.*/, '').replace(/^import .*$/gm, '').replaceAll('import.meta', '({})');
  // `await` outside of a function came with Node 14.8.
  // oxlint-disable-next-line typescript/no-implied-eval
  expect(() => new Function(text)).not.toThrow();
  expect(text).not.toMatch(/\?\?=|\?\?|\?\.(?!\d)/);
});

it('hands what it does not know to the app\'s own script, where bootstrap has recorded one, once', async () => {
  const {current, link, empty} = install({withRuntime: true});
  const script = join(current, '../..', "the app's $script");
  writeFileSync(script, '#!/bin/sh\nprintf "<%s>" "$0" "$@" "$TIMETILES_HANDED_OVER"\nexit 7\n', {mode: 0o755});
  writeFileSync(join(current, '../app-script'), `${script}\n`);
  expect(await launch(link, ['up', 'a b', ''], empty)).toMatchObject({exitCode: 7, stdout: `<${script}><up><a b><><up>`});
  const answerHere = async (words: string[], env = {}) => JSON.parse((await execa(link, words, {env: {PATH: empty + ':/usr/bin:/bin', ...env}, extendEnv: false, reject: false})).stdout).words.slice(1);
  for (const words of [[], ['--help'], ['-h'], ['backup', 'up'], ['restore']]) expect(await answerHere(words)).toEqual(words);
  expect(await answerHere(['up'], {TIMETILES_HANDED_OVER: 'up'})).toEqual(['up']);
  chmodSync(script, 0o644);
  expect(await answerHere(['up'])).toEqual(['up']);
});

it('knows every command of its own', () => {
  const known = /'' \| -\* \| ([^)]*)\) ;;/.exec(readFileSync(join(bin, 'timetiles'), 'utf8'))?.[1]?.split(' | ');
  const commands = readdirSync(fileURLToPath(new URL('../../../src/commands', import.meta.url))).map((name) => name.replace(/\.ts$/, ''));
  expect(known?.toSorted()).toEqual([...commands, 'help'].toSorted());
});
