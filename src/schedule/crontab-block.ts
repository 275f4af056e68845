import {createHash} from 'node:crypto';

/**
 * The text of a crontab, one character per byte (latin1), so that every byte of it survives, whatever its encoding.
 * Undefined: the user has none.
 */
export type CrontabText = string | undefined;

/** What the crontab was when the block came: what has to be undone besides the block itself. */
const origins = ['none', 'empty', 'newline', 'whole'] as const;
type Origin = (typeof origins)[number];

export type FoundBlock =
  | {readonly state: 'none'}
  | {readonly state: 'intact' | 'edited'; readonly lines: readonly string[]; readonly begin: number; readonly end: number; readonly origin: Origin}
  /** Its end is missing, or it is there twice: nobody can tell what belongs to it. */
  | {readonly state: 'broken'};

const beginWord = '# timetiles begin';
const endWord = '# timetiles end';

/** Looks for the block of one installation. @param owner what tells installations apart: its directory, or its configuration file */
export function findBlock(crontab: CrontabText, owner: string): FoundBlock {
  const text = crontab ?? '';
  const name = escapeForPattern(toBytes(owner));
  const begins = [...text.matchAll(new RegExp(`^${beginWord} (\\S*) (\\S*) ${name}\\r?\\n`, 'gm'))];
  const ends = [...text.matchAll(new RegExp(`^${endWord} ${name}\\r?(\\n|$(?![\\s\\S]))`, 'gm'))];
  const [begin, end] = [begins[0], ends[0]];
  if (!begin && !end) return {state: 'none'};
  if (!begin || !end || begins.length > 1 || ends.length > 1 || end.index < begin.index) return {state: 'broken'};
  const content = text.slice(begin.index + begin[0].length, end.index);
  const origin = origins.find((candidate) => candidate === begin[2]);
  const isIntact = origin !== undefined && !`${begin[0]}${end[0]}`.includes('\r') && begin[1] === digestOf(content);
  return {
    state: isIntact ? 'intact' : 'edited',
    lines: fromBytes(content).split('\n').slice(0, -1),
    begin: begin.index,
    end: end.index + end[0].length,
    origin: origin ?? 'whole',
  };
}

/** The crontab with the block in it: in the place of the one that is there, else at the end. A broken one must not be there. */
export function putBlock(crontab: CrontabText, owner: string, lines: readonly string[]): string {
  const text = crontab ?? '';
  const found = findBlock(crontab, owner);
  if ('begin' in found) return text.slice(0, found.begin) + blockText(owner, lines, found.origin) + text.slice(found.end);
  if (crontab === undefined) return blockText(owner, lines, 'none');
  if (crontab === '') return blockText(owner, lines, 'empty');
  return crontab.endsWith('\n') ? crontab + blockText(owner, lines, 'whole') : `${crontab}\n${blockText(owner, lines, 'newline')}`;
}

/** The crontab without the block, byte for byte as it was before, changes by others aside. */
export function removeBlock(crontab: CrontabText, owner: string): CrontabText {
  const found = findBlock(crontab, owner);
  if (crontab === undefined || !('begin' in found)) return crontab;
  const [before, after] = [crontab.slice(0, found.begin), crontab.slice(found.end)];
  const kept = found.origin === 'newline' && after === '' ? before.replace(/\n$/, '') : before + after;
  return kept === '' && found.origin !== 'empty' ? undefined : kept;
}

function blockText(owner: string, lines: readonly string[], origin: Origin): string {
  const content = toBytes(lines.map((line) => `${line}\n`).join(''));
  const name = toBytes(owner);
  return `${beginWord} ${digestOf(content)} ${origin} ${name}\n${content}${endWord} ${name}\n`;
}

function digestOf(content: string): string {
  return createHash('sha256').update(content, 'latin1').digest('hex').slice(0, 16);
}

function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function fromBytes(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}

function escapeForPattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
