import type {CrontabText} from './crontab-block.ts';

/** A line of a crontab that makes or prunes backups as TimeTiles' earlier command line did. */
export interface EarlierLine {
  readonly line: string;
  /** What it runs: a name, or a path. */
  readonly program: string;
  /** It does nothing else, so it may be set aside. */
  readonly isPlain: boolean;
}

/** How to read a crontab. */
export interface EarlierOptions {
  /** The lines of a file in /etc name a user before the command. */
  readonly namesUser: boolean;
}

const time = String.raw`[ \t]*(?:@[a-z]+|\S+(?:[ \t]+\S+){4})[ \t]+`;
const comesFirst = String.raw`(?:cd[ \t]+(?<directory>[^\s;&|]+)[ \t]*&&[ \t]*)?(?:[A-Za-z_]\w*=[^\s;&|]*[ \t]+)*(?:(?:nice|ionice)(?:[ \t]+-\w+(?:[ \t]+\d+)?)*[ \t]+)*(?:(?:/bin/)?(?:ba)?sh[ \t]+)?`;
const ownScript = String.raw`[^\s;&|]*/backups/auto-backup\.sh`;
const program = String.raw`(?:(?<script>${ownScript})|(?<program>(?:[^\s;&|]*/)?timetiles)[ \t]+backup(?<words>(?:[ \t]+(?:full|db|database|uploads|prune|clean|--offsite))*))`;
const output = String.raw`(?:[ \t]*(?:\d?>>?[ \t]*&?[^\s;&|]+|&>>?[ \t]*[^\s;&|]+)|[ \t]*\|[ \t]*logger(?:[ \t]+[^\s;&|]+)*)*[ \t]*\r?$`;
const mentions = new RegExp(String.raw`(?:^|[\s/;&|(])timetiles[ \t]+backup(?:[ \t]+(?:full|db|database|uploads|prune|clean|--offsite))*[ \t]*(?:$|[\r;&|<>)]|\d>)|${ownScript}`);

/** Reads one line; undefined when it has nothing to do with these backups. Pure. */
export function readEarlierLine(line: string, {namesUser}: EarlierOptions): EarlierLine | undefined {
  const head = new RegExp(`^${time}${namesUser ? String.raw`\S+[ \t]+` : ''}`).exec(line)?.[0];
  if (head === undefined || /^[ \t]*(?:#|[A-Za-z_]\w*[ \t]*=)/.test(line)) return undefined;
  const command = line.slice(head.length);
  const plain = new RegExp(`^${comesFirst}${program}${output}`).exec(command)?.groups;
  if (plain) {
    const {script, program: name = '', directory} = plain;
    const path = script ?? name;
    return {line, program: directory !== undefined && path.startsWith('./') ? `${directory}/${path.slice(2)}` : path, isPlain: true};
  }
  return mentions.test(command) ? {line, program: 'timetiles', isPlain: false} : undefined;
}

/** All such lines of a crontab. */
export function findEarlierLines(crontab: CrontabText, options: EarlierOptions): EarlierLine[] {
  return linesOf(crontab).flatMap((line) => readEarlierLine(line, options) ?? []);
}

/** The crontab with some of its lines turned into comments, from which `bringBack` makes them again, byte for byte. Pure. */
export function setAside(crontab: CrontabText, owner: string, lines: ReadonlySet<string>): CrontabText {
  return crontab === undefined ? undefined : linesOf(crontab).map((line) => (lines.has(line) ? `${markOf(owner)}${line}` : line)).join('\n');
}

/** The crontab as it was before `setAside`. */
export function bringBack(crontab: CrontabText, owner: string): CrontabText {
  const mark = markOf(owner);
  return crontab === undefined ? undefined : linesOf(crontab).map((line) => (line.startsWith(mark) ? line.slice(mark.length) : line)).join('\n');
}

/** The lines that are set aside. */
export function linesSetAside(crontab: CrontabText, owner: string): string[] {
  const mark = markOf(owner);
  return linesOf(crontab).flatMap((line) => (line.startsWith(mark) ? [line.slice(mark.length)] : []));
}

function linesOf(crontab: CrontabText): string[] {
  return (crontab ?? '').split('\n');
}

/** @param owner what tells installations apart, as in the block */
function markOf(owner: string): string {
  return `# replaced by timetiles backup auto (${Buffer.from(owner, 'utf8').toString('latin1')}): `;
}
