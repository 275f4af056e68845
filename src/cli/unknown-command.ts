import type {Hook} from '@oclif/core';
import {exitCodes} from '../shared/errors.ts';
import {findAppScript} from './app-script.ts';
import {nearestCommand} from './did-you-mean.ts';

/** What TimeTiles' earlier command line had by another name. */
const newNames: Readonly<Record<string, string>> = {'backup:clean': 'backup prune'};

/** Answers a command that does not exist in the form of all other errors. oclif calls it; see package.json. */
const unknownCommand: Hook<'command_not_found'> = ({id, argv, config}) => {
  const [first = ''] = id.split(':');
  const isTopic = config.findTopic(first) !== undefined;
  const app = isTopic ? undefined : aboutApp(first);
  const renamed = newNames[id];
  const message = `there is no command timetiles ${id.replaceAll(':', ' ')}${app ? `, and ${app.message}` : ''}`;
  const next = renamed === undefined ? (app?.next ?? `${meant(id, config)}See ${isTopic ? `timetiles ${first}` : 'timetiles'} --help`) : `It is now: timetiles ${renamed}`;
  if (argv?.includes('--json')) process.stdout.write(`${JSON.stringify({error: {kind: 'usage', message, next}}, undefined, 2)}\n`);
  else process.stderr.write(`Error: ${message}\n${next}\n`);
  process.exitCode = exitCodes.usage;
  return Promise.resolve();
};

function meant(id: string, {commands}: {readonly commands: readonly {readonly id: string; readonly hidden: boolean}[]}): string {
  const near = nearestCommand(id, commands.filter(({hidden}) => !hidden).map((command) => command.id));
  return near === undefined ? '' : `Did you mean timetiles ${near.replaceAll(':', ' ')}? `;
}

/** bin/timetiles hands such a command to the app's own script; it comes here only where that cannot be. */
function aboutApp(word: string): {message: string; next: string} | undefined {
  const script = findAppScript(process.env);
  if (!script) return undefined;
  if (!script.isThere) return {message: `the app's own script, ${script.path}, cannot be run any more`, next: 'Put it back, or link /usr/local/bin/timetiles to where it is now and run bootstrap again.'};
  if (process.env['TIMETILES_HANDED_OVER'] !== word) return undefined;
  return {message: `the app's own script, ${script.path}, hands it back to timetiles`, next: `Run the script itself: ${script.path} ${word}`};
}

export default unknownCommand;
