import type {Context} from '../operations/context.ts';
import type {ImportPlan} from '../operations/import-plan.ts';
import {TimetilesError} from '../shared/errors.ts';
import {printable} from '../shared/printable.ts';
import {confirm, isInteractive, show} from './prompts.ts';
import {describeImport} from './render/import.ts';

/** Shows the plan and asks. @throws TimetilesError `usage` without a terminal and `--yes` */
export async function confirmImport(context: Context, plan: ImportPlan, {yes, canAsk}: {yes: boolean; canAsk: boolean}): Promise<'go' | 'stop'> {
  if (!yes && (!canAsk || !isInteractive())) throw new TimetilesError('usage', 'there is no terminal to show the plan on and to ask', 'Add --yes to go ahead, or --dry-run to see the plan.');
  const lines = describeImport(plan).map(printable);
  if (yes) lines.forEach((line) => context.log.info(line));
  else show(lines);
  for (const warning of plan.warnings) context.log.warn(warning);
  return yes || (await confirm('Import them?', context.signal)) ? 'go' : 'stop';
}
