import {Flags} from '@oclif/core';
import {backup} from '../operations/backup.ts';
import {sources} from '../sources/registry.ts';
import {BaseCommand} from './base-command.ts';
import {renderBackup} from './render/backup.ts';

/** The flags of every command that makes a set. */
export const backupFlags = {
  'allow-empty': Flags.boolean({description: 'accept an uploads volume that has become empty or that no container mounts'}),
  'new-repository': Flags.boolean({description: 'make a new repository although the one that was used before is gone'}),
};

/** `backup` and its variants for one source. */
export abstract class BackupCommand extends BaseCommand {
  protected makeSet(flags: {config?: string | undefined; quiet: boolean; 'allow-empty': boolean; 'new-repository': boolean}, only?: string): Promise<unknown> {
    return this.perform(flags, async (context) => {
      const report = await backup(context, {
        sources: sources.filter((source) => only === undefined || source.name === only),
        allowEmpty: flags['allow-empty'],
        newRepository: flags['new-repository'],
        command: ['timetiles backup', ...(only === undefined ? [] : [only])].join(' '),
      });
      return renderBackup(report);
    });
  }
}
