import {existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {openTerminal, usualCondition, type Terminal} from '../support/terminal.ts';
import {useBench} from '../support/use-bench.ts';
import {stateOf, succeed} from './support.ts';

let stack: Stack;
let terminal: Terminal | undefined;
let before: string;
const file = () => join(stack.uploadsPath, 'photo.jpg');
const many = 450;

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await stack.writeConfig();
  terminal = await openTerminal(['restore', '--only', 'db'], {stack});
  // There is nothing to pick from before the first backup.
  expect(await terminal.exitCode()).toBe(1);
  expect(await terminal.screen()).toContain('Check RESTIC_REPOSITORY');
  await makeCheapRepository(stack);
  mkdirSync(join(stack.uploadsPath, 'many'));
  mkdirSync(join(stack.uploadsPath, 'album', 'in\u001B[31mside'), {recursive: true});
  for (let number = 1; number <= many; number += 1) writeFileSync(join(stack.uploadsPath, 'many', `file-${String(number).padStart(4, '0')}`), '');
  writeFileSync(join(stack.uploadsPath, 'album', 'in\u001B[31mside', 'deep.txt'), 'deep');
  writeFileSync(join(stack.uploadsPath, 'album', 'esc\u001B[2J\n.txt'), 'hostile');
  for (const content of ['first', 'second']) {
    writeFileSync(file(), content);
    await stack.psql(`create table if not exists t (a text); insert into t values ('${content}')`);
    await succeed(['backup'], stack);
  }
  writeFileSync(file(), 'live');
  before = await stateOf(stack);
});
afterAll(() => stack.stop());
afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
});

async function start(args: string[], options: {size?: readonly [number, number]; env?: Record<string, string>} = {}): Promise<Terminal> {
  await terminal?.close();
  terminal = await openTerminal(args, {stack, size: [80, 24], ...options});
  return terminal;
}

/** Waits for each question and answers it. */
async function answer(screen: Terminal, ...steps: readonly (readonly [question: RegExp | string, ...keys: string[]])[]): Promise<void> {
  for (const [question, ...keys] of steps) {
    await screen.waitFor(question);
    await screen.press(...keys);
  }
}

/** The way to the folder's root, by keys. */
const toRoot = [['◆  Restore what?', 'Down', 'Down', 'Enter'], ['◆  Which set?', 'Enter'], ['◆  What to do with uploads', 'Enter']] as const;

async function expectLeft(screen: Terminal, exitCode: number): Promise<void> {
  expect(await screen.exitCode()).toBe(exitCode);
  expect(await screen.condition()).toBe(usualCondition);
}

/** To the last question before a file is written: each question, and the keys that lead to the next. */
const way: readonly (readonly [RegExp | string, ...string[]])[] = [
  ...toRoot,
  ['◆  uploads /', 'Enter'],
  ['◆  uploads /album', 'Down', 'Down', 'Down', 'Enter'],
  ['◆  /album/esc\\x1b[2J\\x0a.txt', 'Enter'],
  ['◆  Write into which new or empty directory? (b: back)', 'Enter'],
];

describe('the dialog of restore', () => {
  it.each(way.map((_, index) => index))('Ctrl-C and Esc at step %i leave nothing behind', async (index) => {
    const screen = await start(['restore']);
    await answer(screen, ...way.slice(0, index), [way[index]?.[0] ?? '', index % 2 === 0 ? 'C-c' : 'Escape']);
    await expectLeft(screen, 130);
    expect(await screen.screen()).toContain('Error: interrupted by the operator');
  });

  it('gets one file, by browsing, and shows the command; no name reaches the terminal raw', async () => {
    const target = join(stack.scratch, 'one file');
    const screen = await start(['restore'], {size: [60, 15]});
    await answer(screen, ...way.slice(0, -1));
    await screen.waitFor('Write into which');
    await screen.type(target);
    await screen.press('Enter');
    await expectLeft(screen, 0);
    const shown = await screen.screen();
    expect(shown.replaceAll('\n', '')).toMatch(/The same on the command line: {2}timetiles restore \d{8}T\d{6}Z-[0-9a-f]{4} --only uploads \$'--path=album\/esc\\x1b\[2J\\x0a\.txt' --target '/);
    expect(readFileSync(join(target, 'album', 'esc\u001B[2J\n.txt'), 'utf8')).toBe('hostile');
  });

  it('gets one folder, by searching', async () => {
    const target = join(stack.scratch, 'one folder');
    const screen = await start(['restore']);
    await answer(screen, ...toRoot, ['◆  uploads /', 'Up', 'Up', 'Enter']);
    await screen.waitFor('◆  Search for which part');
    await screen.type('INSIDE');
    await screen.press('Enter');
    // The escape sequence lies within the word.
    await answer(screen, ['0 found for INSIDE', 'Enter']);
    await screen.waitFor('◆  Search for which part');
    await screen.type('in*side');
    await screen.press('Enter');
    await answer(screen, ['◆  1 found for in*side', 'Enter'], ['◆  /album/in\\x1b[31mside', 'Enter']);
    await screen.waitFor('Write into which');
    await screen.type(stack.scratch);
    await screen.press('Enter');
    await screen.waitFor('is not empty. Write into');
    await screen.type(target);
    await screen.press('Enter');
    await expectLeft(screen, 0);
    expect(readFileSync(join(target, 'album', 'in\u001B[31mside', 'deep.txt'), 'utf8')).toBe('deep');
  });

  it('shows a big folder in pages, on a screen of 60 by 15', async () => {
    const screen = await start(['restore'], {size: [60, 15]});
    await answer(screen, ...toRoot, ['◆  uploads /', 'Down', 'Enter'], ['Page 1 of 3.', 'Up', 'Up', 'Up', 'Enter'], ['Page 2 of 3.', 'C-c']);
    await expectLeft(screen, 130);
  });

  it('restores in place only after the word, and any other word changes nothing', async () => {
    for (const word of ['yes', 'replace it', '']) {
      const screen = await start(['restore', '--only', 'uploads']);
      await answer(screen, ['◆  Which set?', 'Down', 'Enter'], ['◆  What to do with uploads', 'Up', 'Up', 'Enter']);
      const question = await screen.waitFor('Type replace to go on');
      expect(question).toContain('replaces uploads');
      if (word !== '') await screen.type(word);
      await screen.press('Enter');
      await expectLeft(screen, 130);
      expect(await screen.screen()).toMatch(/Error: the restore was declined\nNothing was changed\./);
    }
    const interrupted = await start(['restore', '--only', 'uploads']);
    await answer(interrupted, ['◆  Which set?', 'Down', 'Enter'], ['◆  What to do with uploads', 'Up', 'Up', 'Enter'], ['Type replace to go on', 'C-c']);
    await expectLeft(interrupted, 130);
    // After all that was left, declined and looked at above.
    expect(await stateOf(stack)).toBe(before);
  });
});

describe.each([['TERM=dumb', [], {TERM: 'dumb'}], ['--plain', ['--plain'], {}]] as const)('on plain lines: %s', (_, flags, env) => {
  it('asks by numbers, searches, goes back, and draws nothing', async () => {
    const target = join(stack.scratch, `plain ${flags.length}`);
    const screen = await start(['restore', ...flags], {env});
    const replies = ['9', 'x', '3', '1', 'b', '1', '1', '/deep', '1', '1', target];
    const questions = ['Restore what?', 'Answer: 9', 'Answer: x', 'Which set?', 'What to do', 'Which set?', 'What to do', 'uploads /', '1 found for deep', 'restore this file', 'Write into which'];
    for (const [index, reply] of replies.entries()) {
      const times = questions.slice(0, index + 1).filter((question) => question === questions[index]).length;
      await screen.waitFor(new RegExp(`(${(questions[index] ?? '').replaceAll('?', '\\?')}[^]*){${times}}Answer:$`));
      await screen.type(reply);
      await screen.press('Enter');
    }
    await expectLeft(screen, 0);
    expect(await screen.screen()).not.toMatch(/[│◆●○◇└]/);
    expect(readFileSync(join(target, 'album', 'in\u001B[31mside', 'deep.txt'), 'utf8')).toBe('deep');
  });

  it.each(['C-c', 'C-d', 'q'])('%s ends it', async (key) => {
    const screen = await start(['restore', ...flags], {env});
    await answer(screen, [/Restore what\?[^]*Answer:$/, '1', 'Enter'], [/Which set\?[^]*Answer:$/, key, ...(key === 'q' ? ['Enter'] : [])]);
    await expectLeft(screen, 130);
  });
});

describe('timetiles alone', () => {
  it('is a menu that runs what is chosen, and says which command that is', async () => {
    const screen = await start([]);
    await screen.waitFor('◆  What would you like to do?');
    await screen.press(...Array.from({length: 5}, () => 'Down'), 'Enter');
    await expectLeft(screen, 0);
    expect(await screen.screen()).toMatch(/\ntimetiles backup list\n\nSET +AGE/);
  });

  it('leads on to the dialog of restore, whose end is its end', async () => {
    const screen = await start(['--plain']);
    const shown = await screen.waitFor(/What would you like to do\?[^]*Answer:$/);
    const number = /^(\d+)\. restore  /m.exec(shown)?.[1] ?? '';
    await answer(screen, ['Answer:', ...Array.from(number), 'Enter'], [/timetiles restore --plain[^]*Restore what\?[^]*Answer:$/, 'C-c']);
    await expectLeft(screen, 130);
  });

  it.each(['C-c', 'Escape'])('%s ends it', async (key) => {
    const screen = await start([]);
    await answer(screen, ['◆  What would you like to do?', key]);
    await expectLeft(screen, 130);
  });
});

it('what is chosen and confirmed by its word is restored', async () => {
  rmSync(file());
  const screen = await start(['restore']);
  await answer(screen, ['◆  Restore what?', 'Enter'], ['◆  Which set?', 'Down', 'Enter'], ['◆  What to do with the whole', 'Up', 'Up', 'Enter']);
  expect(await screen.waitFor('Type replace to go on')).toMatch(/replaces db and uploads[^]*saved as a set of its own/);
  await screen.type('replace');
  await screen.press('Enter');
  await expectLeft(screen, 0);
  expect(await screen.screen()).toMatch(/Restored db and uploads from set [^]*Running again: /);
  expect(await stack.psql('select string_agg(a, chr(44)) from t')).toBe('first');
  expect(existsSync(file())).toBe(true);
});
