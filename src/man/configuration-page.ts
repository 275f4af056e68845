import {parseExampleFile, type ExampleEntry} from './example-file.ts';
import {bold, entry, escape, italic, nameSection, page, paragraphs, section, verbatim, type Title} from './roff.ts';

/** bootstrap.conf(5), from bootstrap.conf.example. */
export function configurationPage(example: string, {date, version}: Pick<Title, 'date' | 'version'>): string {
  const {introduction, groups} = parseExampleFile(example);
  return page({name: 'bootstrap.conf', section: 5, date, version}, [
    nameSection('bootstrap.conf', 'the configuration of timetiles'),
    section('Synopsis', [italic('/opt/timetiles/bootstrap.conf')]),
    section('Description', introduction.flatMap((block) => (typeof block === 'string' ? paragraphs(block) : ['.PP', ...verbatim(block)]))),
    ...groups.map(({title, entries}) => section(title, entries.flatMap((item) => describeEntry(item)))),
    section('See also', [`${bold('timetiles')}(1), ${bold('timetiles-doctor')}(1)`]),
  ]);
}

/** The keys with their defaults, what they mean, and their examples. */
function describeEntry({text, keys}: ExampleEntry): string[] {
  if (keys.length === 0) return paragraphs(text);
  const examples = keys.flatMap(({example}) => (example === undefined ? [] : [`Example: ${example}`]));
  const body = text === '' ? [] : [escape(text), '.sp'];
  return entry(keys.map(({key, usual}) => `${bold(key)}=${escape(usual)}`), [...body, ...verbatim(examples)]);
}
