import {interruptedError, TimetilesError} from '../shared/errors.ts';
import type {ListedSet} from '../operations/list.ts';
import {describeSetLine} from './render/list.ts';

/** Prompts go to stderr: stdout is for the result. */
const output = process.stderr;

export function isInteractive(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Asks a question whose answer is no unless it is given. @throws TimetilesError `interrupted` on Ctrl-C */
export async function confirm(message: string, signal: AbortSignal): Promise<boolean> {
  const {confirm: ask, isCancel} = await import('@clack/prompts');
  const answer = await ask({message, initialValue: false, output, signal});
  if (isCancel(answer)) throw cancelled();
  return answer;
}

/** Lets the operator pick a set. @throws TimetilesError `interrupted` on Ctrl-C */
export async function pickSet(sets: readonly ListedSet[], now: Date, signal: AbortSignal): Promise<string> {
  const {select, isCancel} = await import('@clack/prompts');
  const options = sets.map((set) => ({value: set.id, label: describeSetLine(set, now)}));
  const answer = await select({message: 'Which set?', options, maxItems: 12, output, signal});
  if (isCancel(answer)) throw cancelled();
  return answer;
}

function cancelled(): TimetilesError {
  return interruptedError('the operator');
}
