import {createInterface} from 'node:readline';
import {interruptedError} from '../../shared/errors.ts';
import type {Answer, Asker, Question} from './ask.ts';

/** Choices that are shown before the reader is asked whether to go on: a page that a screen of 15 lines holds. */
const pageSize = 10;

/**
 * Asks on plain lines: for a screen reader, a serial console, a terminal that can do nothing. No cursor is moved and
 * nothing is drawn twice; the terminal itself edits the line and echoes it.
 */
export function createPlainAsker(input: NodeJS.ReadStream, output: NodeJS.WritableStream, signal: AbortSignal): Asker {
  // The lines that were typed ahead, and the end of them as undefined.
  const lines: (string | undefined)[] = [];
  let wake: () => void = () => undefined;
  const push = (line: string | undefined) => {
    lines.push(line);
    wake();
  };
  const reader = createInterface({input, terminal: false});
  reader.on('line', push);
  reader.on('close', () => push(undefined));
  const onAbort = () => wake();
  signal.addEventListener('abort', onAbort);

  const say = (texts: readonly string[]) => void output.write(`${texts.join('\n')}\n`);
  const readLine = async (prompt: string): Promise<string> => {
    output.write(prompt);
    if (lines.length === 0 && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
    signal.throwIfAborted();
    const line = lines.shift();
    if (line === undefined) throw interruptedError('the operator');
    const text = line.trim();
    // The key Esc and then Enter.
    if (text === 'q' || text.startsWith('\u001B')) throw interruptedError('the operator');
    return text;
  };
  return {
    say,
    ask: (question) => (question.kind === 'pick' ? pick(question, say, readLine) : typeLine(question, say, readLine)),
    wait(label, work) {
      say([`${label}…`]);
      return work();
    },
    close() {
      signal.removeEventListener('abort', onAbort);
      reader.close();
    },
  };
}

type Say = (lines: readonly string[]) => void;
type ReadLine = (prompt: string) => Promise<string>;

async function pick(question: Extract<Question, {kind: 'pick'}>, say: Say, readLine: ReadLine): Promise<Answer> {
  const {choices, canGoBack, canSearch} = question;
  const pages = Math.max(1, Math.ceil(choices.length / pageSize));
  let page = 0;
  for (let shown = -1; ; ) {
    if (shown !== page) {
      const first = page * pageSize;
      say([
        '',
        pages > 1 ? `${question.message} Page ${page + 1} of ${pages}.` : question.message,
        ...choices.slice(first, first + pageSize).map(({label}, index) => `${first + index + 1}. ${label}`),
        ...(choices.length === 0 ? ['There is nothing here.'] : []),
        [
          choices.length === 1 ? 'Type 1' : `Type a number, 1 to ${choices.length}`,
          ...(page + 1 < pages ? ['n for the next page'] : []),
          ...(page > 0 ? ['p for the page before'] : []),
          ...(canSearch ? ['/text to search'] : []),
          ...(canGoBack ? ['b to go back'] : []),
          'q to quit.',
        ].join(', '),
      ]);
      shown = page;
    }
    const text = await readLine('Answer: ');
    const chosen = /^\d{1,9}$/.test(text) ? choices[Number(text) - 1] : undefined;
    if (chosen) return {kind: 'picked', value: chosen.value};
    if (text === 'b' && canGoBack) return {kind: 'back'};
    if (text.startsWith('/') && text.length > 1 && canSearch) return {kind: 'search', text: text.slice(1)};
    if (text === 'n' && page + 1 < pages) page += 1;
    else if (text === 'p' && page > 0) page -= 1;
    else say([text === '' ? 'An empty line picks nothing here.' : `${text} is no answer to this question.`]);
  }
}

async function typeLine({message, suggestion, canGoBack}: Extract<Question, {kind: 'type'}>, say: Say, readLine: ReadLine): Promise<Answer> {
  const hints = [...(suggestion === '' ? [] : [`Enter alone for ${suggestion}`]), ...(canGoBack ? ['b to go back'] : []), 'q to quit.'];
  say(['', message, hints.join(', ')]);
  const text = await readLine('Answer: ');
  if (text === 'b' && canGoBack) return {kind: 'back'};
  return {kind: 'typed', text: text === '' ? suggestion : text};
}
