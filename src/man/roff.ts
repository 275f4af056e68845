/** What the first line of a page tells. */
export interface Title {
  readonly name: string;
  readonly section: 1 | 5;
  /** `2026-11-21`; empty where the sources do not tell. */
  readonly date: string;
  readonly version: string;
}

const special: Readonly<Record<string, string>> = {'\\': String.raw`\(rs`, '-': String.raw`\-`, "'": String.raw`\(aq`, '`': String.raw`\(ga`, '^': String.raw`\(ha`, '~': String.raw`\(ti`, '"': String.raw`\(dq`};

/** Text as roff shows it unchanged, at any place of a line and within the quotes of a macro's argument. */
export function escape(text: string): string {
  const escaped = Array.from(text, (character) => special[character] ?? (character > '~' ? `\\[u${hexadecimal(character)}]` : character)).join('');
  // At the beginning of a line a dot would make it a command.
  return escaped.replace(/^(?=\.)/gm, String.raw`\&`);
}

export function bold(text: string): string {
  return `\\fB${escape(text)}\\fR`;
}

export function italic(text: string): string {
  return `\\fI${escape(text)}\\fR`;
}

/** A whole page; words are neither divided nor spread, since they may be commands. */
export function page({name, section: number, date, version}: Title, sections: readonly (readonly string[])[]): string {
  const lines = [`.TH "${escape(name.toUpperCase())}" "${number}" "${date}" "timetiles ${escape(version)}"`, '.nh', '.ad l', ...sections.flat()];
  return lines.map((line) => `${line}\n`).join('');
}

export function section(name: string, lines: readonly string[]): string[] {
  return [`.SH "${escape(name.toUpperCase())}"`, ...withoutGap(lines)];
}

export function subsection(name: string, lines: readonly string[]): string[] {
  return [`.SS "${escape(name)}"`, ...withoutGap(lines)];
}

/** A heading makes its own room. */
function withoutGap(lines: readonly string[]): readonly string[] {
  return lines[0] === '.PP' ? lines.slice(1) : lines;
}

/** The line that `whatis` reads. */
export function nameSection(name: string, purpose: string): string[] {
  return section('Name', [`${escape(name)} \\- ${escape(purpose)}`]);
}

/** Paragraphs as they stand in a text, with empty lines between them. */
export function paragraphs(text: string): string[] {
  return text.split(/\n{2,}/).filter((part) => part.trim() !== '').flatMap((part) => ['.PP', escape(part.replace(/\s*\n\s*/g, ' ').trim())]);
}

/** An entry of a list. @param tags already escaped, one a line */
export function entry(tags: readonly string[], body: readonly string[]): string[] {
  return ['.TP', ...tags.flatMap((tag, index) => (index === 0 ? [tag] : ['.TQ', tag])), ...body];
}

/** Lines that stay as they are. */
export function verbatim(lines: readonly string[]): string[] {
  return ['.nf', ...lines.map((line) => escape(line)), '.fi'];
}

function hexadecimal(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}
