import {createHash} from 'node:crypto';
import {chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {execa} from 'execa';
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest';
import {z} from 'zod';
import {measure, median} from '../bench/measure.ts';
import {toolEnvironment, timetiles} from '../support/cli.ts';
import {storeOldSet} from '../support/old-sets.ts';
import {checkout} from '../support/paths.ts';
import {commandOnPath, completeInBash, completeInFish, openShell, scripts, type ShellName} from '../support/shells.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import type {Terminal} from '../support/terminal.ts';
import {useBench} from '../support/use-bench.ts';
import {program, succeed} from './support.ts';

let stack: Stack;
let environment: Record<string, string>;
let terminal: Terminal | undefined;
beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await makeCheapRepository(stack);
  await stack.writeConfig();
  environment = commandOnPath({scratch: stack.scratch, environment: toolEnvironment({stack})});
});
afterAll(() => stack.stop());
afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
});

const stateFiles = () => readdirSync(join(stack.home, 'state')).filter((name) => name.startsWith('sets-')).map((name) => join(stack.home, 'state', name));

const flag = z.object({name: z.string(), hidden: z.boolean().optional(), allowNo: z.boolean().optional(), options: z.array(z.string()).optional()});
const manifest = z.object({commands: z.record(z.string(), z.object({hidden: z.boolean().optional(), flags: z.record(z.string(), flag)}))});
const all = Object.entries(manifest.parse(JSON.parse(readFileSync(join(checkout, 'oclif.manifest.json'), 'utf8'))).commands);
const commands = all.filter(([, {hidden}]) => !hidden).map(([id, {flags}]) => ({path: id.split(':'), flags: Object.values(flags).filter(({hidden}) => !hidden)}));

/** Every command line that the manifest makes, and what has to be offered there. */
const table = new Map<string, Set<string>>();
const expectAt = (line: string, word: string) => table.set(line, (table.get(line) ?? new Set()).add(word));
for (const {path, flags} of commands) {
  for (const [depth, word] of path.entries()) expectAt(['timetiles', ...path.slice(0, depth), ''].join(' '), word);
  const line = ['timetiles', ...path].join(' ');
  for (const {name, allowNo} of flags) for (const word of [`--${name}`, ...(allowNo ? [`--no-${name}`] : [])]) expectAt(`${line} --`, word);
  expectAt(`${line} --`, '--help');
  for (const {name, options} of flags) for (const option of options ?? []) expectAt(`${line} --${name} `, option);
}
const lines = [...table.keys()];
const expected = lines.map((line) => [...(table.get(line) ?? [])].toSorted());
const wordsOf = (answers: string[][]) => answers.map((answer) => answer.map((line) => line.split('\t')[0] ?? '').toSorted());

describe('every command, every flag and every option of a flag is offered, and nothing else,', () => {
  it('by bash', async () => {
    expect(lines.length).toBeGreaterThan(40);
    expect(wordsOf(await completeInBash(lines, environment))).toEqual(expected);
  });

  it('by fish', async () => {
    expect(wordsOf(await completeInFish(lines, environment))).toEqual(expected);
  });

  it('by zsh', async () => {
    terminal = await openShell('zsh', {scratch: stack.scratch, environment});
    for (const [index, line] of lines.entries()) {
      const wanted = expected[index] ?? [];
      if (wanted.length === 1) continue; // One word alone is inserted and not listed.
      await terminal.type(line);
      await terminal.press('Tab');
      const listed = new RegExp(`ready> ${line}${wanted.map((word) => `(?=[\\s\\S]*\\s${word}(?:\\s|$))`).join('')}`);
      expect(await terminal.waitFor(listed)).toMatch(listed);
      await terminal.press('C-u', 'C-l');
      await terminal.waitFor(/ready>$/);
    }
  });
});

describe.each(['bash', 'zsh', 'fish'] as const)('%s', (shell: ShellName) => {
  it('completes on a terminal as one types', async () => {
    terminal = await openShell(shell, {scratch: stack.scratch, environment});
    mkdirSync(join(stack.scratch, 'folder of mine'), {recursive: true});
    for (const beginning of ['timetiles off', 'pol', '--lev', 'app', '--provider=min', '--config=./folder']) {
      await terminal.type(beginning);
      await terminal.press('Tab');
    }
    const screen = await terminal.waitFor(String.raw`./folder\ of\ mine/`);
    expect(screen).toContain('ready> timetiles offsite policy --level append-only --provider=minio --config=./folder');
    await terminal.press('C-c');
  });

  it('is told how by timetiles completion', async () => {
    const {stdout, exitCode} = await timetiles(['completion', shell]);
    expect({exitCode, stdout}).toEqual({exitCode: 0, stdout: readFileSync(scripts[shell], 'utf8')});
    await execa(shell, [{bash: '-n', zsh: '-n', fish: '--no-execute'}[shell], scripts[shell]]);
    expect((await timetiles(['completion', shell, '--json'])).json()).toEqual({shell, script: stdout});
  });
});

describe('sets and snapshots', () => {
  const offered = async (line: string) => (await completeInFish([line], environment))[0] ?? [];
  const sets = async () => (await offered('timetiles dr --set ')).map((word) => word.split('\t')[0]);

  it('are known from a backup on, and gone with a prune or at the next listing', async () => {
    expect(await sets()).toEqual(['latest']);
    await succeed(['backup'], stack);
    const {sets: [made]} = (await timetiles(['backup', 'list', '--json'], {stack})).json();
    expect(await sets()).toEqual(['latest', made.set]);
    for (const path of stateFiles()) expect(statSync(path).mode & 0o777).toBe(0o600);

    const old = await storeOldSet(stack, {daysAgo: 1000}, {restic: 'newest', repository: stack.repository});
    const older = await storeOldSet(stack, {daysAgo: 1001}, {restic: 'newest', repository: stack.repository});
    await succeed(['backup', 'list'], stack);
    expect(await sets()).toEqual(['latest', made.set, old, older]);
    const answer = await offered('timetiles restore ');
    expect(answer).toContainEqual(expect.stringMatching(new RegExp(`^${made.set}\t\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d, complete, db .*B, uploads .*B$`)));
    for (const {id, source} of made.snapshots) expect(answer).toContainEqual(expect.stringMatching(new RegExp(`^${id.slice(0, 8)}\t.*, ${source} .*, of set ${made.set}$`)));
    // A snapshot's id may begin like a year too.
    const [latest, ofThisMillennium = []] = await completeInBash(['timetiles restore latest', 'timetiles restore 2'], environment);
    expect([latest, ofThisMillennium.filter((word) => word.includes('T'))]).toEqual([['latest'], [made.set, old, older]]);
    expect((await completeInBash(['timetiles restore 2'], environment, 63))[0]?.[0]).toMatch(new RegExp(`^${made.set}  \\d{4}-\\d\\d-\\d\\d .*complete`));

    await stack.writeConfig({BACKUP_KEEP_LAST: '1', BACKUP_KEEP_DAILY: '0', BACKUP_KEEP_WEEKLY: '0', BACKUP_KEEP_MONTHLY: '0'});
    await succeed(['backup', 'prune'], stack);
    const left = await sets();
    expect(left).toContain(made.set);
    expect(left).not.toContain(older);
    const listed = (await timetiles(['backup', 'list', '--json'], {stack})).json();
    expect(left).toEqual(['latest', ...listed.sets.map(({set}: {set: string}) => set)]);
  });

  it('are not told to whoever may not read them, without a word', async () => {
    chmodSync(stack.home, 0o700);
    const unprivileged = ['--bounding-set=-dac_override,-dac_read_search', '--reuid=65534', '--clear-groups', '--', process.execPath, program, '--complete-words', 'restore', ''];
    const {stdout, stderr} = await execa('setpriv', unprivileged, {env: environment, extendEnv: false});
    expect({stdout, stderr}).toEqual({stdout: 'latest\tthe newest complete set', stderr: ''});
  });

  it.each([[[]], [['nonsense', '']], [['restore', '--config', '/nowhere', '--only', '']], [['\u001B', '\u0000'.slice(1), '']]])('never says anything on stderr: %j', async (args) => {
    expect(await timetiles(['--complete-words', ...args], {stack})).toMatchObject({exitCode: 0, stderr: ''});
  });
});

describe('an answer', () => {
  const nights = 400;
  const rounds = 9;

  it('takes no more than 150 ms with the sets of more than a year', async () => {
    const [path = ''] = stateFiles();
    const sets = Array.from({length: nights}, (_, night) => {
      const time = new Date(Date.UTC(2026, 10, 21) - night * 86_400_000).toISOString().replaceAll(/[-:]|\.\d+/g, '');
      const snapshots = ['db', 'uploads'].map((source) => ({id: createHash('sha256').update(`${night} ${source}`).digest('hex'), source, bytes: 5_000_000 + night}));
      return {id: `${time}-0000`, state: 'complete', isSafety: false, isSuspicious: false, snapshots};
    });
    writeFileSync(path, JSON.stringify({format: 1, sets}));
    const times = {node: [] as number[], answer: [] as number[]};
    for (let round = 0; round < rounds; round += 1) {
      times.node.push((await measure({file: process.execPath, args: ['-e', '0'], env: environment})).seconds);
      times.answer.push((await measure({file: 'timetiles', args: ['--complete-words', 'restore', ''], env: environment})).seconds);
    }
    const [node, answer] = [median(times.node), median(times.answer)];
    const {stdout} = await execa('timetiles', ['--complete-words', 'restore', ''], {env: environment, extendEnv: false});
    expect(stdout.split('\n')).toHaveLength(1 + 3 * nights);
    console.log(`completion of ${nights} sets: ${(answer * 1000).toFixed(0)} ms; node alone: ${(node * 1000).toFixed(0)} ms`);
    // Other tests may be at work on the same cores: Node alone, which takes 40 ms, then tells by how much.
    expect(answer).toBeLessThan(0.15 * Math.max(1, node / 0.04));
  });
});
