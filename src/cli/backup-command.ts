import {Flags} from '@oclif/core';
import {backup} from '../operations/backup.ts';
import {sources} from '../sources/registry.ts';
import {BaseCommand, type GlobalFlags} from './base-command.ts';
import {renderBackup} from './render/backup.ts';

/** The flags of every command that makes a set. */
export const backupFlags = {
  offsite: Flags.boolean({description: 'then copy what is missing to RESTIC_OFFSITE_REPOSITORY; trouble there is a warning'}),
  'require-offsite': Flags.boolean({description: 'the same, but trouble there ends with exit code 1'}),
  'allow-empty': Flags.boolean({description: 'accept an uploads volume that has become empty or that no container mounts'}),
  'accept-smaller': Flags.boolean({description: 'a set that has much less than those before it is right, and the measure of later ones'}),
  'new-repository': Flags.boolean({description: 'make a new repository although the one that was used before is gone'}),
};

interface BackupFlagValues extends GlobalFlags {
  offsite: boolean;
  'require-offsite': boolean;
  'allow-empty': boolean;
  'accept-smaller': boolean;
  'new-repository': boolean;
}

/** `backup` and its variants for one source. */
export abstract class BackupCommand extends BaseCommand {
  protected makeSet(flags: BackupFlagValues, only?: string): Promise<unknown> {
    return this.perform(flags, async (context) => {
      const outcome = await backup(context, {
        sources: sources.filter((source) => only === undefined || source.name === only),
        allowEmpty: flags['allow-empty'],
        acceptSmaller: flags['accept-smaller'],
        newRepository: flags['new-repository'],
        offsite: flags['require-offsite'] ? 'require' : flags.offsite ? 'try' : 'no',
        command: ['timetiles backup', ...(only === undefined ? [] : [only])].join(' '),
      });
      return renderBackup(outcome);
    });
  }
}
