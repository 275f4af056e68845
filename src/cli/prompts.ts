import {interruptedError, TimetilesError} from '../shared/errors.ts';
import {describeHost, type FoundHost} from '../operations/dr-find.ts';
import type {ListedSet} from '../operations/list.ts';
import type {RepositoryChoice} from '../operations/offsite/find.ts';
import {formatAge} from '../shared/format.ts';
import {describeSetLine} from './render/list.ts';

/** Prompts go to stderr: stdout is for the result. */
const output = process.stderr;

export function isInteractive(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Shows what a question is about, also with `--quiet`: nobody can answer without it. */
export function show(lines: readonly string[]): void {
  output.write(`${lines.join('\n')}\n`);
}

/** Asks a question whose answer is no unless it is given. @throws TimetilesError `interrupted` on Ctrl-C */
export async function confirm(message: string, signal: AbortSignal): Promise<boolean> {
  const {confirm: ask, isCancel} = await loadPrompts();
  const answer = await ask({message, initialValue: false, output, signal});
  if (isCancel(answer)) throw cancelled();
  return answer;
}

/** Asks for a password without showing it. @throws TimetilesError `usage` without a terminal, `interrupted` on Ctrl-C */
export async function askPassword(message: string, signal: AbortSignal): Promise<string> {
  if (!isInteractive()) throw new TimetilesError('usage', 'there is no terminal to type the password on', 'Run the command in a terminal. It asks, so that what is proved is what a human has.');
  const {password, isCancel} = await loadPrompts();
  const answer = await password({message, mask: '*', output, signal, validate: (value) => (value ? undefined : 'Type the password, or press Ctrl-C.')});
  if (isCancel(answer)) throw cancelled();
  return answer;
}

/** Lets the operator pick a set. @throws TimetilesError `interrupted` on Ctrl-C */
export async function pickSet(sets: readonly ListedSet[], now: Date, signal: AbortSignal): Promise<string> {
  const {select, isCancel} = await loadPrompts();
  const options = sets.map((set) => ({value: set.id, label: describeSetLine(set, now)}));
  const answer = await select({message: 'Which set?', options, maxItems: 12, output, signal});
  if (isCancel(answer)) throw cancelled();
  return answer;
}

/** Lets the operator pick one of the hosts that copy to one place. @throws TimetilesError `interrupted` on Ctrl-C */
export async function pickRepository(choices: readonly RepositoryChoice[], now: Date, signal: AbortSignal): Promise<string> {
  const {select, isCancel} = await loadPrompts();
  const options = choices.map(({id, newest}) => ({value: id, label: `${id.slice(0, 12)}  ${newest === undefined ? 'no whole copy' : `newest epoch begun ${formatAge(newest, now)}`}`}));
  const answer = await select({message: 'Several hosts copy to this place. Which repository?', options, maxItems: 12, output, signal});
  if (isCancel(answer)) throw cancelled();
  return answer;
}

/** Lets the operator pick one of the hosts that have backups in one place. The question throws `interrupted` on Ctrl-C. */
export function pickHost(signal: AbortSignal): (hosts: readonly FoundHost[]) => Promise<FoundHost> {
  return async (hosts) => {
    const {select, isCancel} = await loadPrompts();
    const options = hosts.map((host) => ({value: host, label: describeHost(host)}));
    const answer = await select({message: 'Several hosts have backups there. Which one shall come back?', options, maxItems: 12, output, signal});
    if (isCancel(answer)) throw cancelled();
    return answer;
  };
}

/** A serial console tells no size, and prompts would be broken after every letter there. */
async function loadPrompts() {
  if (output.columns === 0) Object.assign(output, {columns: 80, rows: 24});
  return import('@clack/prompts');
}

function cancelled(): TimetilesError {
  return interruptedError('the operator');
}
