import {appendFile} from 'node:fs/promises';
import {basename, join} from 'node:path';
import type {Settings} from '../config/settings.ts';
import {onStack, type Context} from '../operations/context.ts';
import {foreseeQuestion} from '../operations/foresee.ts';
import {messageOf, type Candidate, type TimetilesError} from '../shared/errors.ts';
import {printable} from '../shared/printable.ts';
import {settingLine} from '../config/setting-line.ts';
import type {SourceKind} from '../sources/source.ts';
import {confirm, isInteractive, show, wantsPlain, withAsker} from './prompts.ts';

/** Server, database, files: more is never asked. */
const mostQuestions = 4;

/**
 * Asks on a terminal what a backup could not decide by itself, and offers to write the answers down.
 * @returns the context with the answers; the same one where there is nothing to ask, or nobody
 */
export async function settleChoices(context: Context, {only, canAsk}: {only: SourceKind | undefined; canAsk: boolean}): Promise<Context> {
  let settled = context;
  if (!canAsk || !isInteractive()) return settled;
  for (let count = 0; count < mostQuestions; count += 1) {
    const question = await foreseeQuestion(settled, only);
    if (!question) break;
    const answer = await pickOne(question, context.signal);
    settled = onStack(settled, settingOf(answer));
    await offerLine(context, answer);
  }
  return settled;
}

async function pickOne({message, candidates}: TimetilesError, signal: AbortSignal): Promise<Candidate> {
  const choices = candidates.map(({key, value, description}, index) => ({value: String(index), label: printable(`${settingLine(key, value)}  ${description}`)}));
  const question = {kind: 'pick', message: `${printable(message)}. Which one?`, choices, canGoBack: false, canSearch: false} as const;
  const answer = await withAsker(wantsPlain({}), signal, (asker) => asker.ask(question));
  const picked = answer.kind === 'picked' ? candidates[Number(answer.value)] : undefined;
  if (!picked) throw new Error('a question without an answer');
  return picked;
}

function settingOf({key, value}: Candidate): Partial<Settings> {
  return key === 'BACKUP_SOURCES' ? {BACKUP_SOURCES: value.split(',')} : {[key]: value};
}

/** A line in bootstrap.conf is of no use where another file says something else: then it is only shown. */
async function offerLine({configuration, signal, log}: Context, {key, value}: Candidate): Promise<void> {
  const line = settingLine(key, value);
  const own = configuration.files.find(({path}) => basename(path) !== '.env.production')?.path ?? join(configuration.home, 'bootstrap.conf');
  show(['', `To have it so from now on, also at night: ${line}`, '']);
  if (configuration.given.has(key)) {
    show([`${key} is set already; correct it where it is set.`]);
    return;
  }
  if (!(await confirm(`Write this line into ${own}?`, signal))) return;
  try {
    await appendFile(own, `\n${line}\n`, {mode: 0o600});
  } catch (error) {
    log.warn(`the line was not written: ${messageOf(error)}`);
  }
}
