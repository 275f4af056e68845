import {Flags} from '@oclif/core';
import type {Context} from '../operations/context.ts';
import type {FindOptions} from '../operations/offsite/find.ts';
import {isInteractive, pickRepository} from './prompts.ts';

/** The flags of every command that can read the offsite copy. */
export function offsiteFlags(description: string) {
  return {
    offsite: Flags.boolean({description}),
    repository: Flags.string({helpValue: 'ID', description: 'with --offsite, where several hosts copy to one place: the repository whose id begins so', dependsOn: ['offsite']}),
  };
}

/** Which host's copy is meant: the one that was named, else whatever the operator answers, where there is somebody to ask. */
export function findOptions(context: Context, flags: {repository?: string | undefined}, canAsk: boolean): FindOptions {
  const ask: FindOptions['ask'] = (choices) => pickRepository(choices, context.clock.now(), context.signal);
  return {repository: flags.repository, ask: canAsk && isInteractive() ? ask : undefined};
}
