/** The moment of a backup, and where it was read. */
export interface BackupTime {
  readonly time: Date;
  /** As it was written, such as `2024-05-31`: files of one day may belong together. */
  readonly day: string;
}

const yearFirst = /(?<!\d)(\d{4})([-_.]?)(\d\d)\2(\d\d)(?:[T_. -]?(\d\d)([-_:.h]?)(\d\d)(?:\6(\d\d))?(Z|\+\d\d:?\d\d|-\d\d:\d\d)?)?(?!\d)/g;
const dayFirst = /(?<!\d)(\d\d)([-_.])(\d\d)\2(\d{4})(?!\d)/g;
/** Seconds since 1970, of this century. */
const seconds = /(?<!\d)(1\d{9})(?!\d)/g;

/**
 * Reads the moment out of a name such as `db-2024-05-31.sql.gz` or `uploads_20240531_020000.tar`. A time without zone is
 * that of this host; a day alone is noon in UTC, which is that day almost everywhere. Pure.
 * @returns undefined when there is none, or several, or it can be read in two ways (`01-05-2024`)
 */
export function timeInName(name: string): BackupTime | undefined {
  const reversed = [...name.matchAll(dayFirst)];
  const found = reversed.length > 0 ? reversed.map(fromDayFirst) : [...name.matchAll(yearFirst)].map(fromYearFirst).filter((time) => time !== undefined);
  const [first, ...others] = found.length > 0 ? found : [...name.matchAll(seconds)].map(([, digits]) => ofMoment(new Date(Number(digits) * 1000)));
  return first && others.every((other) => other?.time.getTime() === first.time.getTime()) ? first : undefined;
}

/** The moment that the operator gives, in one of the same forms. */
export function parseTime(text: string): BackupTime | undefined {
  const match = new RegExp(`^${yearFirst.source}$`).exec(text.trim());
  return match ? fromYearFirst(match) : undefined;
}

/** A moment whose day is that of this host. */
export function ofMoment(time: Date): BackupTime {
  const two = (value: number) => String(value).padStart(2, '0');
  return {time, day: `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`};
}

function fromYearFirst([, year = '', , month = '', day = '', hour, , minute, second = '00', zone]: RegExpMatchArray): BackupTime | undefined {
  const noon = dayAt(year, month, day);
  if (!noon || hour === undefined || minute === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return noon;
  // Without a zone JavaScript takes a text with a time for local.
  const offset = zone === undefined || zone === 'Z' ? (zone ?? '') : zone.replace(/^(.\d\d):?(\d\d)$/, '$1:$2');
  return {time: new Date(`${noon.day}T${hour}:${minute}:${second}${offset}`), day: noon.day};
}

/** `31-05-2024`; also `05-31-2024`, since there is no 31st month. */
function fromDayFirst([, first = '', , second = '', year = '']: RegExpMatchArray): BackupTime | undefined {
  const readings = [dayAt(year, second, first), dayAt(year, first, second)].filter((time) => time !== undefined);
  return readings.every(({day}) => day === readings[0]?.day) ? readings[0] : undefined;
}

function dayAt(year: string, month: string, day: string): BackupTime | undefined {
  const text = `${year}-${month}-${day}`;
  const time = new Date(`${text}T12:00:00Z`);
  const isDay = !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text) && Number(year) >= 1995 && Number(year) < 2100;
  return isDay ? {time, day: text} : undefined;
}

/** What can be a part of a set. */
export interface SetPart extends BackupTime {
  readonly source: string;
}

/**
 * Puts together what was made at one time, or else on one day, as long as there is just one file of each source then;
 * what is left stands alone. Pure.
 * @returns oldest first
 */
export function pairParts<Part extends SetPart>(parts: readonly Part[]): Part[][] {
  const sets: Part[][] = [];
  let left = [...parts];
  for (const key of [(part: Part) => String(part.time.getTime()), (part: Part) => part.day]) {
    for (const group of Map.groupBy(left, key).values()) {
      const isSet = group.length > 1 && new Set(group.map(({source}) => source)).size === group.length;
      if (!isSet) continue;
      sets.push(group);
      left = left.filter((part) => !group.includes(part));
    }
  }
  return [...sets, ...left.map((part) => [part])].toSorted((a, b) => (a[0]?.time.getTime() ?? 0) - (b[0]?.time.getTime() ?? 0));
}
