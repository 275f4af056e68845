import {exitCodeHelp} from '../shared/errors.ts';
import {exitCodeEntries} from './command-page.ts';
import {groupsOf, nameOf, type Tool} from './manifest.ts';
import {bold, entry, escape, italic, nameSection, page, paragraphs, section} from './roff.ts';

const description = `Backs up an app that runs on one server with Docker (a PostgreSQL container and an uploads volume) into an encrypted, deduplicated restic repository, copies that offsite, and restores it.

Without a command it is a menu on a terminal, and prints its help elsewhere. Every command takes --help. With --json it prints one document on stdout, and all else on stderr.`;

const files = [
  ['/opt/timetiles/bootstrap.conf', 'the configuration, and the password of the repositories; see bootstrap.conf(5)'],
  ['/opt/timetiles/.env.production', "the app's own environment file, which is read after it"],
  ['/opt/timetiles/backups/restic-repo', 'the local repository, unless RESTIC_REPOSITORY says otherwise'],
  ['/opt/timetiles/alerts.log', 'a line for every alert'],
  ['/opt/timetiles/state', 'what the tool remembers on this host; a backup does not depend on it'],
  ['/var/log/timetiles/timetiles.log', 'the log, unless LOG_DIR says otherwise'],
] as const;

const variables = [
  ['TIMETILES_HOME', 'the installation directory in the place of /opt/timetiles'],
  ['NO_COLOR', 'with any value: no colours'],
  ['TIMETILES_DEBUG', 'with any value: details on stderr, and the stack of an error'],
  ['DOCKER_HOST', 'the Docker engine, as for docker itself; without it DOCKER_CONTEXT or the current context'],
  ['TZ', 'the time zone of timetiles scheduler'],
] as const;

/** timetiles(1): what there is, and what holds for all of it. */
export function overviewPage(tool: Tool, date: string): string {
  const groups = groupsOf(tool);
  return page({name: 'timetiles', section: 1, date, version: tool.version}, [
    nameSection('timetiles', tool.description),
    section('Synopsis', [`${bold('timetiles')} ${italic('COMMAND')} [${italic('ARGUMENT')}...] [${italic('FLAG')}...]`]),
    section('Description', paragraphs(description)),
    section('Commands', groups.flatMap(({commands}) => commands.flatMap((command) => entry([bold(nameOf(command))], [escape(command.summary ?? '')])))),
    section('Exit status', exitCodeEntries(exitCodeHelp)),
    section('Environment', [
      ...variables.flatMap(([name, meaning]) => entry([bold(name)], [escape(meaning)])),
      ...paragraphs('Every key of bootstrap.conf(5) may also stand in the environment, which wins over the files.'),
    ]),
    section('Files', files.flatMap(([path, meaning]) => entry([italic(path)], [escape(meaning)]))),
    section('See also', [[...groups.map(({name}) => `${bold(`timetiles-${name}`)}(1)`), `${bold('bootstrap.conf')}(5)`, `${bold('restic')}(1)`].join(', ')]),
  ]);
}
