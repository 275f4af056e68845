/** A key with the assignments that bootstrap.conf.example shows for it. */
interface ExampleKey {
  readonly key: string;
  /** Its default, as the file writes it with its quotes. */
  readonly usual: string;
  /** A whole line. */
  readonly example: string | undefined;
}

/** Text, and the keys that it is about; of keys that share a text, the first of them has it. */
export interface ExampleEntry {
  readonly text: string;
  readonly keys: readonly ExampleKey[];
}

export interface ExampleFile {
  /** What stands above the first group; of indented lines every one counts. */
  readonly introduction: readonly (string | readonly string[])[];
  readonly groups: readonly {readonly title: string; readonly entries: readonly ExampleEntry[]}[];
}

/** Reads what bootstrap.conf.example tells of each key. Pure. */
export function parseExampleFile(content: string): ExampleFile {
  const [head = '', ...rest] = content.split(/^# -+ (?=\S.*-$)/m);
  return {
    introduction: blocksOf(head.replace(/^#$/gm, '')).flatMap((rows) => introductionOf(rows)),
    groups: rest.map((part) => {
      const [line = '', ...rows] = part.split('\n');
      return {title: line.replace(/ -+$/, ''), entries: blocksOf(rows.join('\n')).map((block) => entryOf(block))};
    }),
  };
}

function blocksOf(text: string): string[][] {
  return text.split(/\n{2,}/).map((block) => block.split('\n').filter((row) => row !== '')).filter((rows) => rows.length > 0);
}

function introductionOf(rows: readonly string[]): (string | string[])[] {
  const isIndented = (row: string) => row.startsWith('#   ');
  const found: (string | string[])[] = [];
  for (const row of rows) {
    const last = found.at(-1);
    if (isIndented(row)) {
      if (Array.isArray(last)) last.push(row.slice(4));
      else found.push([row.slice(4)]);
    } else if (typeof last === 'string') found[found.length - 1] = `${last} ${uncommented(row)}`;
    else found.push(uncommented(row));
  }
  return found;
}

function entryOf(rows: readonly string[]): ExampleEntry {
  const text: string[] = [];
  const examples = new Map<string, string>();
  const keys: ExampleKey[] = [];
  for (const row of rows) {
    const [, exampleLine, exampleKey] = /^# Example: ((\w+)=.*)$/.exec(row) ?? [];
    const [, key, usual] = /^#(\w+)=(.*)$/.exec(row) ?? [];
    if (exampleLine !== undefined && exampleKey !== undefined) examples.set(exampleKey, exampleLine);
    else if (key !== undefined && usual !== undefined) keys.push({key, usual, example: examples.get(key)});
    else text.push(uncommented(row));
  }
  return {text: text.join(' '), keys};
}

function uncommented(row: string): string {
  return row.replace(/^#\s*/, '');
}
