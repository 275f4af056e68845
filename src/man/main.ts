import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {groupPage} from './command-page.ts';
import {configurationPage} from './configuration-page.ts';
import {groupsOf, type Tool} from './manifest.ts';
import {overviewPage} from './overview-page.ts';

/**
 * Writes all manual pages into a directory; part of `npm run build`, after the manifest.
 * @param date of the sources, such as `2026-11-21`: the same sources make the same pages
 */
export function writeManPages(root: string, directory: string, date: string): void {
  const read = (name: string) => readFileSync(join(root, name), 'utf8');
  const {version, description, oclif} = JSON.parse(read('package.json'));
  const {commands} = JSON.parse(read('oclif.manifest.json'));
  const tool: Tool = {version, description, topics: oclif.topics, commands};
  const pages = {
    'man1/timetiles.1': overviewPage(tool, date),
    ...Object.fromEntries(groupsOf(tool).map((group) => [`man1/timetiles-${group.name}.1`, groupPage(group, {date, version})])),
    'man5/bootstrap.conf.5': configurationPage(read('bootstrap.conf.example'), {date, version}),
  };
  for (const section of ['man1', 'man5']) mkdirSync(join(directory, section), {recursive: true});
  for (const [path, text] of Object.entries(pages)) writeFileSync(join(directory, path), text);
}
