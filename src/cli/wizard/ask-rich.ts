import {interruptedError} from '../../shared/errors.ts';
import {fitWidth} from '../../shared/printable.ts';
import type {Answer, Asker, Question} from './ask.ts';

type Output = NodeJS.WriteStream;

const back = 'back';
const search = 'search';
const nextPage = 'next';
const pageBefore = 'before';
/** Beyond these a list is shown in pages: the arrow keys alone would take too long, and so would drawing it. */
const pageSize = 200;

/** Asks with arrow keys on a terminal that can draw. */
export function createRichAsker(output: Output, signal: AbortSignal): Asker {
  return {
    say: (lines) => void output.write(`${lines.map((line) => line.trimEnd()).join('\n')}\n`),
    ask: (question) => (question.kind === 'pick' ? pick(question, output, signal) : typeLine(question, output, signal)),
    async wait(label, work) {
      output.write(`${label}…`);
      try {
        return await work();
      } finally {
        output.write('\r\u001B[K');
      }
    },
    close: () => undefined,
  };
}

/** A serial console tells no size, and prompts would be broken after every letter there. */
export async function loadPrompts(output: Output) {
  if (output.columns === 0) Object.assign(output, {columns: 80, rows: 24});
  return import('@clack/prompts');
}

async function pick(question: Extract<Question, {kind: 'pick'}>, output: Output, signal: AbortSignal): Promise<Answer> {
  const {select, isCancel} = await loadPrompts(output);
  const pages = Math.max(1, Math.ceil(question.choices.length / pageSize));
  for (let page = 0; ; ) {
    const here = question.choices.slice(page * pageSize, (page + 1) * pageSize);
    const options = [
      ...here.map(({label}, index) => ({value: String(index), label})),
      ...(page + 1 < pages ? [{value: nextPage, label: '… next page'}] : []),
      ...(page > 0 ? [{value: pageBefore, label: '… page before'}] : []),
      ...(question.canSearch ? [{value: search, label: '/ search by name'}] : []),
      ...(question.canGoBack ? [{value: back, label: '← back'}] : []),
    ];
    const columns = Math.max(20, output.columns || 80);
    const message = fitWidth(pages > 1 ? `${question.message} Page ${page + 1} of ${pages}.` : question.message, columns - 4);
    // Two lines of a set tell everything about it; a name that needs more is cut.
    const fitted = options.map(({value, label}) => ({value, label: fitWidth(label, 2 * (columns - 12))}));
    // Drawn over more rows than there are, a list would leave its upper part behind at every key.
    const maxItems = Math.max(5, Math.min(12, (output.rows || 24) - 7));
    const answer = await select({message, options: fitted, maxItems, output, signal, showInstructions: false});
    if (isCancel(answer)) throw interruptedError('the operator');
    if (answer === nextPage) page += 1;
    else if (answer === pageBefore) page -= 1;
    else if (answer === back) return {kind: 'back'};
    else if (answer === search) return {kind: 'search', text: undefined};
    else return {kind: 'picked', value: here[Number(answer)]?.value ?? ''};
  }
}

async function typeLine({message, suggestion, canGoBack}: Extract<Question, {kind: 'type'}>, output: Output, signal: AbortSignal): Promise<Answer> {
  const {text: ask, isCancel} = await loadPrompts(output);
  const answer = await ask({message: canGoBack ? `${message} (b: back)` : message, ...(suggestion !== '' && {placeholder: suggestion, defaultValue: suggestion}), output, signal});
  if (isCancel(answer)) throw interruptedError('the operator');
  const typed = answer.trim();
  if (typed === 'b' && canGoBack) return {kind: 'back'};
  return {kind: 'typed', text: typed === '' ? suggestion : typed};
}
