import {realpathSync} from 'node:fs';
import {dirname} from 'node:path';
import {findEarlierLines, bringBack, linesSetAside, setAside, type EarlierLine} from '../schedule/earlier-lines.ts';
import type {CrontabText} from '../schedule/crontab-block.ts';
import {readOtherCrontabs, type OtherCrontab} from '../schedule/system-crontabs.ts';
import {messageOf, systemCode, TimetilesError} from '../shared/errors.ts';
import type {Context} from './context.ts';

/** A line that ran backups before `backup auto` did, and where it stands. */
export interface PlacedLine {
  readonly place: string;
  readonly line: string;
}

export interface EarlierSchedule {
  /** Turned into comments by `backup auto`. */
  readonly replaced: readonly PlacedLine[];
  /** Those that still run. */
  readonly active: readonly PlacedLine[];
  readonly warnings: readonly string[];
}

/** Whose lines these are. */
interface Installation {
  readonly home: string;
  readonly owner: string;
  /** This tool's own block is not there yet. Afterwards a line with the bare command may be one that the operator wants beside it. */
  readonly isFirst: boolean;
}

const ownPlace = 'this crontab';
/** Where a command is looked for that is named without its directory, and where its link lies. */
const commandDirectories = new Set(['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']);

/** Which lines of the invoking user's crontab `backup auto` replaces. */
export function linesToReplace(crontab: CrontabText, installation: Installation): ReadonlySet<string> {
  return new Set(plainLines(crontab, false, installation));
}

function plainLines(crontab: CrontabText, namesUser: boolean, installation: Installation): string[] {
  return findEarlierLines(crontab, {namesUser}).filter((found) => found.isPlain && belongs(found, installation)).map(({line}) => line);
}

/** A line is this installation's when it runs its script; the command without a directory is, until this tool has taken the name. */
function belongs({program}: EarlierLine, {home, isFirst}: Installation): boolean {
  const directory = program.endsWith('/backups/auto-backup.sh') ? dirname(dirname(program)) : dirname(program);
  if (!program.includes('/') || commandDirectories.has(directory)) return isFirst;
  return realPathOf(directory) === realPathOf(home);
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Looks everywhere, and changes nothing. @param crontab the invoking user's own */
export async function findEarlierSchedule(crontab: CrontabText, installation: Installation): Promise<EarlierSchedule> {
  return describe([{name: ownPlace, namesUser: false, text: crontab ?? ''}, ...(await readOtherCrontabs())], installation);
}

function describe(crontabs: readonly Pick<OtherCrontab, 'name' | 'namesUser' | 'text'>[], installation: Installation): EarlierSchedule {
  const place = (name: string) => (line: string): PlacedLine => ({place: name, line: shown(line)});
  const compound = crontabs.flatMap(({name, namesUser, text}) => findEarlierLines(text, {namesUser}).filter(({isPlain}) => !isPlain).map(({line}) => place(name)(line)));
  return {
    replaced: crontabs.flatMap(({name, text}) => linesSetAside(text, installation.owner).map(place(name))),
    active: crontabs.flatMap(({name, namesUser, text}) => plainLines(text, namesUser, installation).map(place(name))),
    warnings: compound.map(({place: name, line}) => `a line in ${name} runs backups too, with other things, so it stays: ${line}. Take the backup out of it by hand`),
  };
}

/** Turns the lines in all other crontabs into comments. What this user may not change is a warning. */
export async function replaceElsewhere(context: Context, installation: Installation): Promise<number> {
  return changeElsewhere(context, ({text, namesUser}) => setAside(text, installation.owner, new Set(plainLines(text, namesUser, installation))));
}

/** Makes them lines again. */
export async function bringBackElsewhere(context: Context, owner: string): Promise<number> {
  return changeElsewhere(context, ({text}) => bringBack(text, owner));
}

async function changeElsewhere(context: Context, change: (crontab: OtherCrontab) => CrontabText): Promise<number> {
  let changed = 0;
  for (const crontab of await readOtherCrontabs()) {
    const wanted = change(crontab) ?? '';
    if (wanted === crontab.text) continue;
    try {
      await crontab.write(wanted);
      changed += 1;
    } catch (error) {
      if (!(error instanceof TimetilesError) && systemCode(error) === undefined) throw error;
      context.log.warn(`${crontab.name} could not be changed (${systemCode(error) ?? messageOf(error)}), and its lines that run backups stay as they are: run timetiles backup auto as root, or edit it by hand`);
    }
  }
  return changed;
}

/** Crontabs are bytes; what is shown of them is text. */
function shown(line: string): string {
  return Buffer.from(line, 'latin1').toString('utf8').replace(/\r$/, '');
}
