import {existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {readRootEntry} from '../../../src/sources/files/root-entry.ts';
import {choosePlaces, finishFiles, makeFreshPlace, revertFiles, swapFiles, type SwapPlaces} from '../../../src/sources/files/swap.ts';
import {temporaryDirectory} from '../support.ts';

const bytes = (directory: string, name: Buffer) => Buffer.concat([Buffer.from(`${directory}/`), name]);
const oddName = Buffer.from([0x63, 0xe9, 0xff]);
const names = ['a', '.hidden', '-rf', 'new\nline'];

/** Files whose content says whether they are the old or the new ones; the odd name is no UTF-8. */
function fill(directory: string, content: 'old' | 'new'): void {
  for (const name of [...names, `only ${content}`]) writeFileSync(join(directory, name), content);
  writeFileSync(bytes(directory, oddName), content);
  mkdirSync(join(directory, 'folder'));
  writeFileSync(join(directory, 'folder', 'inside'), content);
}

/** `old` or `new` when the directory is wholly that; a mixture fails. */
function stateOf(live: string): string {
  const found = readdirSync(live, {encoding: 'buffer'}).map((name) => name.toString('latin1')).toSorted();
  const state = existsSync(join(live, 'only new')) ? 'new' : 'old';
  expect(found).toEqual([...names, 'folder', `only ${state}`, oddName.toString('latin1')].toSorted());
  const contents = [...names.map((name) => join(live, name)), bytes(live, oddName), join(live, 'folder', 'inside')].map((path) => readFileSync(path, 'utf8'));
  expect(new Set(contents)).toEqual(new Set([state]));
  return state;
}

async function staged(kind: SwapPlaces['kind']): Promise<{places: SwapPlaces; parent: string; fresh: string; old: string}> {
  const parent = temporaryDirectory();
  const live = join(parent, 'live');
  mkdirSync(live);
  fill(live, 'old');
  const base = join(kind === 'children' ? live : parent, '.timetiles-1');
  const root = await readRootEntry(live);
  const places = {kind, live, base, newRoot: kind === 'children' ? root : null, oldRoot: root};
  const fresh = await makeFreshPlace(places);
  fill(fresh, 'new');
  return {places, parent, fresh, old: join(base, 'old')};
}

type Stage = Awaited<ReturnType<typeof staged>>;

function move(from: string, to: string, count: number): void {
  for (const name of readdirSync(from, {encoding: 'buffer'}).filter((entry) => entry.toString() !== '.timetiles-1').slice(0, count)) renameSync(bytes(from, name), bytes(to, name));
}

/** How far a swap or a revert may have come when it was killed. */
const interruptions: Record<SwapPlaces['kind'], Record<string, (stage: Stage) => void>> = {
  directory: {
    'nothing was moved': () => undefined,
    'the old directory is away': ({places, old}) => renameSync(places.live, old),
    'both were moved': ({places, old, fresh}) => {
      renameSync(places.live, old);
      renameSync(fresh, places.live);
    },
  },
  children: {
    'nothing was moved': () => undefined,
    'the place for the old files is made': ({old}) => mkdirSync(old),
    'some old files are away': ({places, old}) => {
      mkdirSync(old);
      move(places.live, old, 3);
    },
    'all old files are away, unmarked': ({places, old}) => {
      mkdirSync(old);
      move(places.live, old, 99);
    },
    'all old files are away, marked': ({places, old}) => {
      mkdirSync(old);
      move(places.live, old, 99);
      writeFileSync(join(places.base, 'emptied'), '');
    },
    'some new files are in place': ({places, old, fresh}) => {
      mkdirSync(old);
      move(places.live, old, 99);
      writeFileSync(join(places.base, 'emptied'), '');
      move(fresh, places.live, 3);
    },
    'all new files are in place': ({places, old, fresh}) => {
      mkdirSync(old);
      move(places.live, old, 99);
      writeFileSync(join(places.base, 'emptied'), '');
      move(fresh, places.live, 99);
    },
    'a revert has put some old files back': ({places, old}) => {
      mkdirSync(old);
      move(places.live, old, 99);
      move(old, places.live, 2);
    },
  },
};
const cases = (['directory', 'children'] as const).flatMap((kind) => Object.entries(interruptions[kind]).map(([name, interrupt]) => ({kind, name, interrupt})));

describe.each(cases)('$kind: when $name', ({kind, interrupt}) => {
  it('the swap ends with the new files, and nothing else is left', async () => {
    const stage = await staged(kind);
    interrupt(stage);
    await swapFiles(stage.places);
    await swapFiles(stage.places);
    await finishFiles(stage.places);
    await finishFiles(stage.places);
    expect(stateOf(stage.places.live)).toBe('new');
    expect(readdirSync(stage.parent)).toEqual(['live']);
  });

  it('the revert ends with the old files, and nothing else is left', async () => {
    const stage = await staged(kind);
    interrupt(stage);
    await revertFiles(stage.places);
    await revertFiles(stage.places);
    expect(stateOf(stage.places.live)).toBe('old');
    expect(readdirSync(stage.parent)).toEqual(['live']);
  });
});

describe.each(['directory', 'children'] as const)('%s', (kind) => {
  it('a finished swap can be taken back as long as the old files are kept', async () => {
    const {places, parent} = await staged(kind);
    await swapFiles(places);
    await revertFiles(places);
    expect(stateOf(places.live)).toBe('old');
    expect(readdirSync(parent)).toEqual(['live']);
  });

  it('does nothing where nothing was staged', async () => {
    const {places} = await staged(kind);
    rmSync(places.base, {recursive: true});
    await swapFiles(places);
    await revertFiles(places);
    await finishFiles(places);
    expect(stateOf(places.live)).toBe('old');
  });

  it('an interrupted finish is finished by the next', async () => {
    const {places, old, parent} = await staged(kind);
    await swapFiles(places);
    rmSync(join(old, 'folder'), {recursive: true});
    await finishFiles(places);
    expect(stateOf(places.live)).toBe('new');
    expect(readdirSync(parent)).toEqual(['live']);
  });
});

it('chooses the places by whether the directory can be renamed', () => {
  expect(choosePlaces('/proc', 'ab')).toEqual({kind: 'children', live: '/proc', base: '/proc/.timetiles-ab'});
  const parent = temporaryDirectory();
  expect(choosePlaces(join(parent, 'x'), 'ab')).toEqual({kind: 'directory', live: join(parent, 'x'), base: join(parent, '.timetiles-ab')});
});
