import {homedir} from 'node:os';
import {homeOf, stateDirectoryOf} from '../../config/home.ts';
import {peekRepository} from '../../config/peek.ts';
import {readSetNames} from '../../operations/set-names.ts';
import {isPrintable, printable} from '../../shared/printable.ts';
import {interpret, type Candidate, type Grammar} from './grammar.ts';
import {candidatesOfSets} from './sets.ts';

/** What a shell asks. */
export interface Question {
  /** What follows the tool's name, the word at the cursor last. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The lines that the shell's script reads: a candidate and its description with a tab between; or `:files` or
 * `:directories` alone, where the shell knows best.
 */
export function answer(grammar: Grammar, {words: typed, environment}: Question): string[] {
  const words = joinAssignments(typed);
  const {candidates, values} = interpret(grammar, words);
  if (values === 'files' || values === 'directories') return [`:${values}`];
  return [...candidates, ...(values === 'none' ? [] : namesOfSets(words, environment, values === 'sets and snapshots'))].flatMap((candidate) => lineOf(candidate));
}

function namesOfSets(words: readonly string[], environment: Question['environment'], withSnapshots: boolean): Candidate[] {
  const names = readSetNames(stateDirectoryOf(homeOf(environment)), peekRepository({file: configFileOf(words), environment}));
  // An offsite copy has the same sets, but snapshots of its own.
  return candidatesOfSets(names, (words.at(-1) ?? '').replace(/^--[^=]+=/, ''), withSnapshots && !words.includes('--offsite'));
}

/** bash hands over `--only=db` as three words. */
function joinAssignments(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const [index, word] of words.entries()) {
    const isSign = word === '=' && /^--[^=]+$/.test(words[index - 1] ?? '');
    const isValue = words[index - 1] === '=' && /^--[^=]+$/.test(words[index - 2] ?? '');
    if (isSign || isValue) joined.push(`${joined.pop()}${word}`);
    else joined.push(word);
  }
  return joined;
}

function configFileOf(words: readonly string[]): string | undefined {
  const index = words.slice(0, -1).findLastIndex((word) => word === '--config');
  const file = index === -1 ? words.find((word) => word.startsWith('--config='))?.slice('--config='.length) : words[index + 1];
  return file?.replace(/^~(?=\/)/, homedir());
}

/** What would break a line, or a terminal, is no candidate. */
function lineOf({word, description}: Candidate): string[] {
  return isPrintable(word) && !/\s/.test(word) ? [`${word}\t${printable(description)}`] : [];
}
