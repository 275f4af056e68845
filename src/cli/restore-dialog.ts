import {openBrowser} from '../operations/browse.ts';
import type {Context} from '../operations/context.ts';
import {sourceNames} from '../operations/health.ts';
import {readKnownSets} from '../operations/known-sets.ts';
import {listSets} from '../operations/list.ts';
import {contextForSet, type FindOptions} from '../operations/offsite/find.ts';
import {readOffsiteSets} from '../operations/offsite/list.ts';
import {describePlan, selectSnapshots, type RestorePlan} from '../operations/restore-plan.ts';
import type {ShownPlan} from '../operations/undo.ts';
import {repositoryExists} from '../restic/handle.ts';
import {TimetilesError} from '../shared/errors.ts';
import {sources} from '../sources/registry.ts';
import {confirm, confirmByWord, isInteractive, show, wantsPlain, withAsker} from './prompts.ts';
import {commandOf, runRestoreWizard, type WizardChoice} from './wizard/restore-wizard.ts';

/** What the command line says of a restore. */
export interface RestoreFlags {
  readonly offsite: boolean;
  readonly repository?: string | undefined;
  readonly only?: string | undefined;
  readonly target?: string | undefined;
  readonly path?: string | undefined;
  readonly 'dry-run': boolean;
  readonly plain: boolean;
}

/** What to restore. */
export type RestoreWish = WizardChoice & {readonly isFromDialog: boolean};

/**
 * What to restore: the set that was named, else what the operator chooses on the terminal; the dialog asks for
 * everything but a set only where the command line says nothing.
 * @throws TimetilesError `usage` without a terminal
 */
export async function wishedRestore(context: Context, named: string | undefined, flags: RestoreFlags, find: FindOptions, canAsk: boolean): Promise<RestoreWish> {
  const {offsite, only, path, target, repository} = flags;
  if (named !== undefined) return {set: named, offsite, only, path, target, isFromDialog: false};
  if (!canAsk || !isInteractive()) {
    throw new TimetilesError('usage', 'no set was named, and there is no terminal to pick one on', 'Name one: timetiles restore latest (timetiles backup list shows them all)');
  }
  const listed = async (elsewhere: boolean) => (elsewhere ? readOffsiteSets(context, find) : (await listSets(context)).sets);
  const choice = await withAsker(wantsPlain(flags), context.signal, async (asker) => {
    const possibilities = {sources: await knownSources(context), hasOffsite: context.settings.RESTIC_OFFSITE_REPOSITORY !== undefined};
    const data = {
      sets: listed,
      now: context.clock.now(),
      browser: async (elsewhere: boolean, set: string, source: string) => {
        const from = elsewhere ? await contextForSet(context, set, source, find) : context;
        const {snapshots} = await selectSnapshots(from, {wanted: set, only: source});
        const [snapshot] = snapshots;
        if (!snapshot) throw new TimetilesError('not-found', `set ${set} has no ${source}`, 'Choose another set: timetiles backup list');
        return openBrowser(from, snapshot.id);
      },
    };
    return runRestoreWizard(asker, possibilities, data, {offsite, only, path, target, mustReplace: flags['dry-run']});
  });
  show(['', 'The same on the command line:', `  ${commandOf(choice, repository)}${flags['dry-run'] ? ' --dry-run' : ''}`, '']);
  return {...choice, isFromDialog: true};
}

/** The sources of the sets on this host, and those that there always may be. */
async function knownSources(context: Context): Promise<string[]> {
  const known = repositoryExists(context.restic) ? sourceNames(await readKnownSets(context)) : [];
  return [...new Set([...sources.map(({name}) => name), ...known])].toSorted();
}

/** How a restore in place is confirmed. */
export interface ConfirmOptions {
  readonly safetyBackup: boolean;
  readonly yes: boolean;
  readonly canAsk: boolean;
  readonly plain: boolean;
  /** Whoever came by way of a dialog presses Enter easily, and so types a word. */
  readonly isFromDialog: boolean;
}

/** Shows the plan and asks. @throws TimetilesError `usage` without a terminal and `--yes` */
export function confirmPlan(context: Context, plan: RestorePlan, options: ConfirmOptions): Promise<'go' | 'stop'> {
  return confirmLines(context, {lines: describePlan(plan, options.safetyBackup), warnings: plan.warnings}, options);
}

/** The same for a plan that is in words already. */
export async function confirmLines(context: Context, plan: ShownPlan, options: Omit<ConfirmOptions, 'safetyBackup'>): Promise<'go' | 'stop'> {
  if (!options.yes && (!options.canAsk || !isInteractive())) {
    throw new TimetilesError('usage', 'a restore replaces live data, and there is no terminal to ask on', 'Add --yes to go ahead, or --dry-run to see the plan.');
  }
  if (options.yes) plan.lines.forEach((line) => context.log.info(line));
  else show(plan.lines);
  for (const warning of plan.warnings) context.log.warn(warning);
  if (options.yes) return 'go';
  const plain = wantsPlain(options);
  const question = 'Replace the live data?';
  const goes = options.isFromDialog ? await confirmByWord(question, 'replace', context.signal, plain) : await confirm(question, context.signal, plain);
  return goes ? 'go' : 'stop';
}
