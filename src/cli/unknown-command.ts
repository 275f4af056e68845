import type {Hook} from '@oclif/core';
import {exitCodes} from '../shared/errors.ts';

/** Answers a command that does not exist in the form of all other errors. oclif calls it; see package.json. */
const unknownCommand: Hook<'command_not_found'> = ({id, argv, config}) => {
  const [first = ''] = id.split(':');
  const isTopic = config.findTopic(first) !== undefined;
  const message = `there is no command timetiles ${id.replaceAll(':', ' ')}`;
  const next = `See ${isTopic ? `timetiles ${first}` : 'timetiles'} --help`;
  if (argv?.includes('--json')) process.stdout.write(`${JSON.stringify({error: {kind: 'usage', message, next}}, undefined, 2)}\n`);
  else process.stderr.write(`Error: ${message}\n${next}\n`);
  process.exitCode = exitCodes.usage;
  return Promise.resolve();
};

export default unknownCommand;
