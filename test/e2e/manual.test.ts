import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {execa} from 'execa';
import {beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {z} from 'zod';
import {keyDefinitions} from '../../src/config/keys.ts';
import {exitCodes} from '../../src/shared/errors.ts';
import {timetiles} from '../support/cli.ts';
import {checkout} from '../support/paths.ts';

const manual = join(checkout, 'share/man');
const flag = z.object({name: z.string(), hidden: z.boolean().optional(), description: z.string()});
const command = z.object({id: z.string(), hidden: z.boolean().optional(), summary: z.string(), description: z.string(), examples: z.array(z.string()), flags: z.record(z.string(), flag), args: z.record(z.string(), z.object({name: z.string()}))});
const manifest = z.object({commands: z.record(z.string(), command)}).parse(JSON.parse(readFileSync(join(checkout, 'oclif.manifest.json'), 'utf8')));
const commands = Object.values(manifest.commands).filter(({hidden}) => !hidden);
const files = readdirSync(manual, {recursive: true, encoding: 'utf8'}).filter((path) => /\.\d$/.test(path));
const pageOf = (id: string) => `man1/timetiles-${id.split(':')[0]}.1`;

/** The pages as `man` shows them, without bold and underlined letters, each paragraph on a line. */
const shown = new Map<string, string>();
const words = (text: string) => text.replaceAll(/\s+/g, ' ');
beforeAll(async () => {
  for (const file of files) {
    const {stdout} = await execa('man', ['-l', join(manual, file)], {env: {MANWIDTH: '400', LC_ALL: 'C.UTF-8', MAN_KEEP_FORMATTING: ''}});
    shown.set(file, stdout);
  }
});
const show = (file: string) => shown.get(file) ?? '';

describe.each(files)('%s', (file) => {
  it('is clean for groff, man and mandoc', async () => {
    const env = {LC_ALL: 'C.UTF-8', MANWIDTH: '80'};
    expect(await execa('groff', ['-man', '-ww', '-Tutf8', join(manual, file)], {env})).toMatchObject({stderr: ''});
    expect(await execa('man', ['--warnings', '-l', join(manual, file)], {env})).toMatchObject({stderr: ''});
    expect(await execa('mandoc', ['-T', 'lint', '-W', 'warning', join(manual, file)], {env, reject: false})).toMatchObject({exitCode: 0, stdout: ''});
  });
});

it('there is a page for each group of commands, one for all, and one for the configuration', () => {
  const pages = new Set(commands.map(({id}) => pageOf(id)));
  expect(files.toSorted()).toEqual([...pages, 'man1/timetiles.1', 'man5/bootstrap.conf.5'].toSorted());
});

it('timetiles(1) has every command and every exit code', () => {
  const text = show('man1/timetiles.1');
  for (const {id, summary} of commands) expect(words(text)).toContain(`timetiles ${id.replaceAll(':', ' ')} ${summary}`);
  const status = text.slice(text.indexOf('EXIT STATUS'), text.indexOf('ENVIRONMENT'));
  for (const code of Object.values(exitCodes)) expect(status).toMatch(new RegExp(`^ +${code} `, 'm'));
});

describe.each(commands.map(({id, ...rest}) => ({id, name: `timetiles ${id.replaceAll(':', ' ')}`, ...rest})))('$name', ({id, description, examples, flags, args}) => {
  const text = () => show(pageOf(id));

  it('has its flags, arguments, description and exit codes in its page', () => {
    for (const item of Object.values(flags)) {
      if (item.hidden) continue;
      expect(text()).toMatch(new RegExp(`^ +(-\\w, )?--(\\[no-\\])?${item.name}\\b`, 'm'));
      expect(words(text())).toContain(words(item.description));
    }
    for (const {name} of Object.values(args)) expect(text()).toMatch(new RegExp(`^ +\\[?${name.toUpperCase()}\\b`, 'm'));
    const [before = '', codes = ''] = description.split('Exit codes: ');
    for (const paragraph of before.split('\n\n')) expect(words(text())).toContain(words(paragraph).trim());
    for (const code of codes.replace(/\.$/, '').split(/, (?=\d)/)) expect(words(text())).toContain(code);
  });

  it('has the examples of --help, letter by letter', async () => {
    const help = (await timetiles([...id.split(':'), '--help'], {env: {OCLIF_COLUMNS: '400'}})).stdout;
    const lines = text().slice(text().indexOf('\nEXAMPLES')).split('\n').map((line) => line.trim());
    for (const example of examples) {
      const line = example.replaceAll('<%= config.bin %>', 'timetiles');
      expect(help).toContain(line);
      expect(lines).toContain(line);
    }
  });
});

it('bootstrap.conf(5) has every key with default and example, letter by letter', () => {
  const example = readFileSync(join(checkout, 'bootstrap.conf.example'), 'utf8').split('\n');
  const lines = show('man5/bootstrap.conf.5').split('\n').map((line) => line.trim());
  for (const {key} of keyDefinitions) {
    const usual = example.find((line) => line.startsWith(`#${key}=`)) ?? '';
    expect(lines).toContain(usual.slice(1));
    expect(lines).toContain((example.find((line) => line.startsWith(`# Example: ${key}=`)) ?? '').slice(2));
  }
  expect(lines).toContain(String.raw`Example: DB_PASSWORD='pa$$word with "quotes" and a back\slash'`);
});

it('the same sources make the same pages, with their date and version', async () => {
  const {version} = z.object({version: z.string()}).parse(JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')));
  const text = readFileSync(join(manual, 'man1/timetiles.1'), 'utf8');
  const firstLine = (date: string) => new RegExp(`^\\.TH "TIMETILES" "1" "${date}" "timetiles ${version.replaceAll('-', String.raw`\\-`)}"\n`);
  expect(text).toMatch(firstLine(String.raw`(\d{4}-\d\d-\d\d)?`));

  const directory = mkdtempSync(join(tmpdir(), 'timetiles-manual-'));
  onTestFinished(() => rmSync(directory, {recursive: true, force: true}));
  const script = `import {writeManual} from './.build/man.js'; await writeManual(process.cwd(), ${JSON.stringify(directory)});`;
  await execa(process.execPath, ['--input-type=module', '-e', script], {cwd: checkout, env: {SOURCE_DATE_EPOCH: '1795219200'}});
  const again = readFileSync(join(directory, 'man1/timetiles.1'), 'utf8');
  expect(again).toMatch(firstLine('2026-11-21'));
  expect(again.slice(again.indexOf('\n'))).toBe(text.slice(text.indexOf('\n')));
});
