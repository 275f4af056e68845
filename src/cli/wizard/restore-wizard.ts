import {readdirSync} from 'node:fs';
import {resolve} from 'node:path';
import type {Browser} from '../../operations/browse.ts';
import type {ListedSet} from '../../operations/list.ts';
import {systemCode, TimetilesError} from '../../shared/errors.ts';
import {shownWord} from '../../shared/format.ts';
import type {Asker} from './ask.ts';
import {firstStep, follow, questionOf, type Choices, type Material, type Possibilities, type Step} from './steps.ts';

/** Where the dialog gets what it shows. */
export interface WizardData {
  /** Sets of this host's repository or of the offsite copy, newest first. */
  sets(offsite: boolean): Promise<readonly ListedSet[]>;
  browser(offsite: boolean, set: string, source: string): Promise<Browser>;
  readonly now: Date;
}

/** Everything that was chosen. */
export type WizardChoice = Choices & {readonly set: string};

/**
 * Leads the operator to a restore. Nothing is changed by it.
 * @param given what the command line says already
 * @throws TimetilesError `interrupted` when the operator leaves, `not-found` when there is nothing to choose from
 */
export async function runRestoreWizard(asker: Asker, possibilities: Possibilities, data: WizardData, given: Choices): Promise<WizardChoice> {
  const read = createReader(asker, data);
  let step = firstStep(possibilities, given);
  while (step.at !== 'done') {
    const material = await read(step);
    const answer = await asker.ask(questionOf(step, possibilities, material));
    const next = follow(step, answer, material);
    const problem = next.at === 'done' && next.target !== undefined && step.at === 'target' ? problemOfDirectory(resolve(next.target)) : undefined;
    step = problem === undefined || step.at !== 'target' ? next : {...step, problem};
  }
  const {set} = step;
  if (set === undefined) throw new Error('a dialog that is done has chosen a set');
  return {...step, set};
}

/** The command that a choice stands for, for the operator to learn it. */
export function commandOf({offsite, set, only, path, target}: WizardChoice, repository: string | undefined): string {
  const words = [
    'timetiles',
    'restore',
    set,
    ...(offsite ? ['--offsite'] : []),
    ...(offsite && repository !== undefined ? ['--repository', repository] : []),
    ...(only === undefined ? [] : ['--only', only]),
    // With an equals sign, since a name may begin with a dash.
    ...(path === undefined ? [] : [`--path=${path}`]),
    ...(target === undefined ? [] : ['--target', target]),
  ];
  return words.map(shownWord).join(' ');
}

function createReader(asker: Asker, data: WizardData): (step: Step) => Promise<Material> {
  const sets = new Map<boolean, readonly ListedSet[]>();
  const browsers = new Map<string, Browser>();
  const readSets = async (offsite: boolean) => {
    const known = sets.get(offsite) ?? (await asker.wait('Reading the sets', () => data.sets(offsite)));
    if (known.length === 0) throw new TimetilesError('not-found', `the ${offsite ? 'offsite copy' : 'repository'} has no sets yet`, `Make one: timetiles backup${offsite ? ' --offsite' : ''}`);
    sets.set(offsite, known);
    return known;
  };
  const browserOf = async ({offsite, set = '', only = ''}: Step) => {
    const key = `${offsite} ${set} ${only}`;
    const browser = browsers.get(key) ?? (await data.browser(offsite, set, only));
    browsers.set(key, browser);
    return browser;
  };
  return async (step) => {
    const needsSets = step.at === 'set' || step.at === 'action' || step.at === 'source';
    const entries =
      step.at === 'folder'
        ? await asker.wait('Reading the folder', async () => (await browserOf(step)).list(step.folder))
        : step.at === 'found'
          ? await asker.wait('Searching', async () => (await browserOf(step)).search(step.text))
          : [];
    return {sets: needsSets ? await readSets(step.offsite) : [], entries, now: data.now};
  };
}

/** Why nothing can be written there; the restore itself looks again. */
function problemOfDirectory(directory: string): string | undefined {
  try {
    return readdirSync(directory).length === 0 ? undefined : `${directory} is not empty`;
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? undefined : `${directory} cannot be used (${systemCode(error) ?? 'unknown error'})`;
  }
}
