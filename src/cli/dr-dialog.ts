import {resolve} from 'node:path';
import {isPasswordGiven, type LoadRequest} from '../config/load.ts';
import type {Context} from '../operations/context.ts';
import {describeDrPlan, type DrPlan, type DrPlanOptions} from '../operations/dr-plan.ts';
import {TimetilesError} from '../shared/errors.ts';
import {askPassword, confirm, isInteractive, show} from './prompts.ts';

/** What restic takes for an address and no path. */
const address = /^(s3|sftp|rest|b2|azure|gs|swift|rclone):/;

/** A repository on the command line as the settings that it stands for. Pure but for the working directory. */
export function repositorySettings(repository: string | undefined): Record<string, string> {
  if (repository === undefined) return {};
  if (address.test(repository)) return {RESTIC_OFFSITE_REPOSITORY: repository};
  return {RESTIC_REPOSITORY: resolve(repository.replace(/^local:/, ''))};
}

/** On a terminal a password that is nowhere else is asked for. */
export async function missingPassword(request: LoadRequest, canAsk: boolean): Promise<Record<string, string>> {
  if (!canAsk || !isInteractive() || isPasswordGiven(request)) return {};
  return {RESTIC_PASSWORD: await askPassword('The password of the repository', new AbortController().signal)};
}

/** Shows the plan and asks. @throws TimetilesError `usage` without a terminal and `--yes` */
export async function confirmRecovery(context: Context, plan: DrPlan, options: DrPlanOptions & {yes: boolean; canAsk: boolean}): Promise<'go' | 'stop'> {
  if (!options.yes && (!options.canAsk || !isInteractive())) {
    throw new TimetilesError('usage', 'a recovery fills this machine, and there is no terminal to ask on', 'Add --yes to go ahead, or --dry-run to see the plan.');
  }
  const lines = describeDrPlan(plan, options);
  if (options.yes) lines.forEach((line) => context.log.info(line));
  else show(lines);
  for (const warning of plan.warnings) context.log.warn(warning);
  if (options.yes) return 'go';
  return (await confirm(plan.live.length > 0 ? 'Replace the live data?' : 'Recover this machine?', context.signal)) ? 'go' : 'stop';
}
