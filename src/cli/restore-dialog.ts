import type {Context} from '../operations/context.ts';
import type {ListedSet} from '../operations/list.ts';
import {describePlan, type RestorePlan} from '../operations/restore-plan.ts';
import type {ShownPlan} from '../operations/undo.ts';
import {TimetilesError} from '../shared/errors.ts';
import {confirm, isInteractive, pickSet, show} from './prompts.ts';

/**
 * The set to restore: the one that was named, else one picked on the terminal.
 * @param list asks for the sets there are
 * @throws TimetilesError `usage` without a terminal
 */
export async function wantedSet(context: Context, named: string | undefined, canAsk: boolean, list: () => Promise<readonly ListedSet[]>): Promise<string> {
  if (named !== undefined) return named;
  if (!canAsk || !isInteractive()) {
    throw new TimetilesError('usage', 'no set was named, and there is no terminal to pick one on', 'Name one: timetiles restore latest (timetiles backup list shows them all)');
  }
  const sets = await list();
  if (sets.length === 0) throw new TimetilesError('not-found', 'the repository has no sets yet', 'Make one: timetiles backup');
  return pickSet(sets, context.clock.now(), context.signal);
}

export interface ConfirmOptions {
  readonly safetyBackup: boolean;
  readonly yes: boolean;
  readonly canAsk: boolean;
}

/** Shows the plan and asks. @throws TimetilesError `usage` without a terminal and `--yes` */
export function confirmPlan(context: Context, plan: RestorePlan, options: ConfirmOptions): Promise<'go' | 'stop'> {
  return confirmLines(context, {lines: describePlan(plan, options.safetyBackup), warnings: plan.warnings}, options);
}

/** The same for a plan that is in words already. */
export async function confirmLines(context: Context, plan: ShownPlan, options: Pick<ConfirmOptions, 'yes' | 'canAsk'>): Promise<'go' | 'stop'> {
  if (!options.yes && (!options.canAsk || !isInteractive())) {
    throw new TimetilesError('usage', 'a restore replaces live data, and there is no terminal to ask on', 'Add --yes to go ahead, or --dry-run to see the plan.');
  }
  if (options.yes) plan.lines.forEach((line) => context.log.info(line));
  else show(plan.lines);
  for (const warning of plan.warnings) context.log.warn(warning);
  if (options.yes) return 'go';
  return (await confirm('Replace the live data?', context.signal)) ? 'go' : 'stop';
}
