import type {Entry} from '../../operations/browse.ts';
import type {ListedSet} from '../../operations/list.ts';
import {formatBytes} from '../../shared/format.ts';
import {printable} from '../../shared/printable.ts';
import {describeSetForPicking} from '../render/list.ts';
import type {Answer, Choice, Question} from './ask.ts';

/** What the operator has chosen so far, and in the end the whole of it. */
export interface Choices {
  readonly offsite: boolean;
  readonly only?: string | undefined;
  readonly set?: string | undefined;
  /** One file or folder, below the root of the source. */
  readonly path?: string | undefined;
  readonly target?: string | undefined;
  /** The command line asked for the plan of a restore in place. */
  readonly mustReplace?: boolean;
}

/** Where the dialog stands; `before` is where "back" leads. */
export type Step = Choices & {readonly before: Step | undefined} & (
    | {readonly at: 'place' | 'part' | 'set' | 'action' | 'source' | 'search'}
    | {readonly at: 'target'; readonly problem?: string}
    | {readonly at: 'folder'; readonly folder: string}
    | {readonly at: 'found'; readonly text: string}
    | {readonly at: 'entry'; readonly entry: Entry}
    | {readonly at: 'done'}
  );

/** What a question is made of, read for the step that asks it. */
export interface Material {
  readonly sets: readonly ListedSet[];
  readonly entries: readonly Entry[];
  readonly now: Date;
}

/** What can be chosen from at all. */
export interface Possibilities {
  readonly sources: readonly string[];
  readonly hasOffsite: boolean;
}

/** The first thing that the command line leaves open. @param given what it says */
export function firstStep({hasOffsite}: Possibilities, given: Choices): Step {
  if (hasOffsite && !given.offsite) return {...given, at: 'place', before: undefined};
  return {...given, at: given.only === undefined ? 'part' : 'set', before: undefined};
}

/** The question of a step. Pure. */
export function questionOf(step: Step, {sources}: Possibilities, material: Material): Question {
  const pick = (message: string, choices: readonly Choice[], canSearch = false): Question => ({kind: 'pick', message, choices, canSearch, canGoBack: step.before !== undefined});
  switch (step.at) {
    case 'place':
      return pick('Restore from where?', [{value: 'local', label: 'the repository on this host'}, {value: 'offsite', label: 'the offsite copy'}]);
    case 'part':
      return pick('Restore what?', [{value: '', label: `the whole set (${sources.join(' and ')})`}, ...sources.map((source) => ({value: source, label: `${source} alone`}))]);
    case 'set':
      return pick('Which set?', setsWith(material.sets, step.only).map((set) => ({value: set.id, label: describeSetForPicking(set, step.only, material.now)})));
    case 'action':
      return pick(`What to do with ${step.only ?? 'the whole'} of set ${step.set}?`, [
        {value: 'browse', label: 'look into it, and get one file or folder'},
        {value: 'target', label: 'write it into a folder, for inspection'},
        {value: 'place', label: 'restore in place: REPLACES the live data'},
      ]);
    case 'source':
      return pick('Look into which part?', sourcesOf(material.sets, step.set).map((source) => ({value: source, label: source})));
    case 'folder':
      return pick(`${step.only} ${printable(step.folder)}`, folderChoices(step.folder, material.entries), true);
    case 'found':
      return pick(`${material.entries.length} found for ${printable(step.text)}`, material.entries.map((entry, index) => ({value: String(index), label: describeEntry(entry, entry.path)})), true);
    case 'entry':
      return pick(printable(step.entry.path), [
        {value: 'restore', label: `restore this ${step.entry.isFolder ? 'folder with all in it' : 'file'} to a directory`},
        ...(step.entry.isFolder && canOpen(step.entry) ? [{value: 'open', label: 'open this folder'}] : []),
      ]);
    case 'search':
      return {kind: 'type', message: 'Search for which part of a name, or a glob such as *.jpg?', suggestion: '', canGoBack: true};
    case 'target':
      return {kind: 'type', message: `${step.problem === undefined ? '' : `${step.problem}. `}Write into which new or empty directory?`, suggestion: `/tmp/restore-${step.set}`, canGoBack: true};
    default:
      throw new Error('a dialog that is done asks nothing');
  }
}

/** Where an answer leads. Pure. @param material that of the question */
export function follow(step: Step, answer: Answer, material: Material): Step {
  if (answer.kind === 'back') return step.before ?? step;
  if (answer.kind === 'search') return answer.text === undefined ? {...step, at: 'search', before: step} : {...step, at: 'found', text: answer.text, before: step};
  if (answer.kind === 'typed') return followText(step, answer.text);
  const {value} = answer;
  const before = step;
  switch (step.at) {
    case 'place':
      return {...step, at: step.only === undefined ? 'part' : 'set', offsite: value === 'offsite', before};
    case 'part':
      return {...step, at: 'set', only: value === '' ? undefined : value, before};
    case 'set':
      // What to do the command line may have said already.
      return {...step, at: step.target === undefined && !step.mustReplace ? 'action' : 'done', set: value, before};
    case 'action': {
      if (value === 'place') return {...step, at: 'done', before};
      if (value === 'target') return {...step, at: 'target', before};
      const [source, another] = step.only === undefined ? sourcesOf(material.sets, step.set) : [step.only];
      if (source === undefined || another !== undefined) return {...step, at: 'source', before};
      return {...step, at: 'folder', folder: '/', only: source, before};
    }
    case 'source':
      return {...step, at: 'folder', folder: '/', only: value, before};
    case 'folder': {
      if (value === '..') return openFolder(step, parentOf(step.folder));
      if (value === '.') return entryStep(step, folderEntry(step.folder));
      return chooseEntry(step, material.entries[Number(value)]);
    }
    case 'found':
      return entryStep(step, material.entries[Number(value)]);
    case 'entry':
      if (value === 'open') return {...step, at: 'folder', folder: step.entry.path, before};
      return {...step, at: 'target', path: step.entry.path.replace(/^\//, ''), before};
    default:
      return step;
  }
}

function followText(step: Step, text: string): Step {
  if (step.at === 'search') return text === '' ? (step.before ?? step) : {...step, at: 'found', text, before: step.before};
  if (step.at === 'target') return {...step, at: 'done', target: text, before: step};
  return step;
}

/** The same folder is one step, however one walks about: "back" leads to where looking into the set began. */
function openFolder(step: Step & {at: 'folder'}, folder: string): Step {
  return {...step, folder};
}

function chooseEntry(step: Step & {at: 'folder'}, entry: Entry | undefined): Step {
  return entry?.isFolder && canOpen(entry) ? openFolder(step, entry.path) : entryStep(step, entry);
}

function entryStep(step: Step, entry: Entry | undefined): Step {
  return entry === undefined ? step : {...step, at: 'entry', entry, before: step};
}

/** restic cannot be asked for a folder whose name is no UTF-8, but it can restore one. */
function canOpen({path}: Entry): boolean {
  return !path.includes('\uFFFD');
}

function folderEntry(path: string): Entry {
  return {name: path.slice(path.lastIndexOf('/') + 1), path, isFolder: true, size: null, modified: ''};
}

function parentOf(folder: string): string {
  return folder.slice(0, folder.lastIndexOf('/')) || '/';
}

function folderChoices(folder: string, entries: readonly Entry[]): Choice[] {
  const inside = entries.map((entry, index) => ({value: String(index), label: describeEntry(entry, entry.name)}));
  return folder === '/' ? inside : [{value: '..', label: '..'}, {value: '.', label: '(get this whole folder)'}, ...inside];
}

function describeEntry({isFolder, size, modified}: Entry, name: string): string {
  const when = modified.slice(0, 16).replace('T', ' ');
  return isFolder ? `${printable(name)}/` : `${printable(name)}  ${size === null ? 'no plain file' : formatBytes(size)}  ${when}`;
}

function setsWith(sets: readonly ListedSet[], only: string | undefined): ListedSet[] {
  return sets.filter(({snapshots}) => only === undefined || snapshots.some(({source}) => source === only));
}

function sourcesOf(sets: readonly ListedSet[], id: string | undefined): string[] {
  return sets.find((set) => set.id === id)?.snapshots.map(({source}) => source) ?? [];
}
