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

/** Asks which host is meant, where there is somebody to ask. */
export function pickRepositoryWith(context: Context, canAsk: boolean): FindOptions['ask'] {
  if (!canAsk || !isInteractive()) return undefined;
  return (choices) => pickRepository(choices, context.clock.now(), context.signal);
}
