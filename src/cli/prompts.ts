import {describeHost, type FoundHost} from '../operations/dr-find.ts';
import type {RepositoryChoice} from '../operations/offsite/find.ts';
import {interruptedError, TimetilesError} from '../shared/errors.ts';
import {formatAge} from '../shared/format.ts';
import type {Asker} from './wizard/ask.ts';
import {createPlainAsker} from './wizard/ask-plain.ts';
import {createRichAsker, loadPrompts} from './wizard/ask-rich.ts';

/** Prompts go to stderr: stdout is for the result. */
const output = process.stderr;

export function isInteractive(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Whether to ask on plain lines: because the operator wants it, or the terminal can do nothing else. */
export function wantsPlain(flags: {plain?: boolean}): boolean {
  return flags.plain === true || ['dumb', '', undefined].includes(process.env['TERM']);
}

/** Opens the way to ask that fits the terminal, and closes it after the work. */
export async function withAsker<Result>(plain: boolean, signal: AbortSignal, work: (asker: Asker) => Promise<Result>): Promise<Result> {
  const asker = plain ? createPlainAsker(process.stdin, output, signal) : createRichAsker(output, signal);
  try {
    return await work(asker);
  } finally {
    asker.close();
  }
}

/** Shows what a question is about, also with `--quiet`: nobody can answer without it. */
export function show(lines: readonly string[]): void {
  output.write(`${lines.join('\n')}\n`);
}

/** Asks a question whose answer is no unless it is given. @throws TimetilesError `interrupted` on Ctrl-C */
export async function confirm(message: string, signal: AbortSignal, plain = wantsPlain({})): Promise<boolean> {
  if (plain) return (await typed(`${message} Type yes, or anything else for no.`, signal, true)) === 'yes';
  const {confirm: ask, isCancel} = await loadPrompts(output);
  const answer = await ask({message, initialValue: false, output, signal});
  if (isCancel(answer)) throw interruptedError('the operator');
  return answer;
}

/** Asks to type a word, for what is dangerous. @throws TimetilesError `interrupted` on Ctrl-C */
export async function confirmByWord(message: string, word: string, signal: AbortSignal, plain: boolean): Promise<boolean> {
  return (await typed(`${message} Type ${word} to go on, or anything else to leave.`, signal, plain)) === word;
}

async function typed(message: string, signal: AbortSignal, plain: boolean): Promise<string> {
  const answer = await withAsker(plain, signal, (asker) => asker.ask({kind: 'type', message, suggestion: '', canGoBack: false}));
  return answer.kind === 'typed' ? answer.text : '';
}

/** Asks for a password without showing it. @throws TimetilesError `usage` without a terminal, `interrupted` on Ctrl-C */
export async function askPassword(message: string, signal: AbortSignal): Promise<string> {
  if (!isInteractive()) throw new TimetilesError('usage', 'there is no terminal to type the password on', 'Run the command in a terminal. It asks, so that what is proved is what a human has.');
  const {password, isCancel} = await loadPrompts(output);
  const answer = await password({message, mask: '*', output, signal, validate: (value) => (value ? undefined : 'Type the password, or press Ctrl-C.')});
  if (isCancel(answer)) throw interruptedError('the operator');
  return answer;
}

/** Lets the operator pick one of the hosts that copy to one place. @throws TimetilesError `interrupted` on Ctrl-C */
export async function pickRepository(choices: readonly RepositoryChoice[], now: Date, signal: AbortSignal, plain = wantsPlain({})): Promise<string> {
  const options = choices.map(({id, newest}) => ({value: id, label: `${id.slice(0, 12)}  ${newest === undefined ? 'no whole copy' : `newest epoch begun ${formatAge(newest, now)}`}`}));
  const question = {kind: 'pick', message: 'Several hosts copy to this place. Which repository?', choices: options, canGoBack: false, canSearch: false} as const;
  const answer = await withAsker(plain, signal, (asker) => asker.ask(question));
  return answer.kind === 'picked' ? answer.value : '';
}

/** Lets the operator pick one of the hosts that have backups in one place. The question throws `interrupted` on Ctrl-C. */
export function pickHost(signal: AbortSignal): (hosts: readonly FoundHost[]) => Promise<FoundHost> {
  return async (hosts) => {
    const choices = hosts.map((host, index) => ({value: String(index), label: describeHost(host)}));
    const question = {kind: 'pick', message: 'Several hosts have backups there. Which one shall come back?', choices, canGoBack: false, canSearch: false} as const;
    const answer = await withAsker(wantsPlain({}), signal, (asker) => asker.ask(question));
    const picked = answer.kind === 'picked' ? hosts[Number(answer.value)] : undefined;
    if (!picked) throw interruptedError('the operator');
    return picked;
  };
}
