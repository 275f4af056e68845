import {Flags} from '@oclif/core';
import {backup} from '../operations/backup.ts';
import type {SourceKind} from '../sources/source.ts';
import {BaseCommand, type GlobalFlags} from './base-command.ts';
import {settleChoices} from './choice-dialog.ts';
import {durationFlag, secondsOf, waitFlag} from './duration-flag.ts';
import {renderBackup, renderFresh} from './render/backup.ts';

/** The flags of every command that makes a set. */
export const backupFlags = {
  ...waitFlag,
  offsite: Flags.boolean({description: 'then copy what is missing to RESTIC_OFFSITE_REPOSITORY; trouble there is a warning'}),
  'require-offsite': Flags.boolean({description: 'the same, but trouble there ends with exit code 1'}),
  'allow-empty': Flags.boolean({description: 'accept an uploads volume that has become empty or that no container mounts'}),
  'accept-smaller': Flags.boolean({description: 'a set that has much less than those before it is right, and the measure of later ones'}),
  'new-repository': Flags.boolean({description: 'make a new repository although the one that was used before is gone'}),
};

/** When a set of all sources begins, and whether it does: what the schedule needs. */
export const timingFlags = {
  'if-older-than': durationFlag('do nothing while the newest set of this host is no older than this, such as 25h'),
  'random-delay': durationFlag('first wait a random time of up to this, such as 2h'),
};

interface BackupFlagValues extends GlobalFlags {
  wait?: string | undefined;
  'if-older-than'?: string | undefined;
  'random-delay'?: string | undefined;
  offsite: boolean;
  'require-offsite': boolean;
  'allow-empty': boolean;
  'accept-smaller': boolean;
  'new-repository': boolean;
}

/** `backup` and its variants for one source. */
export abstract class BackupCommand extends BaseCommand {
  protected makeSet(flags: BackupFlagValues, only?: SourceKind): Promise<unknown> {
    const timing = {wait: secondsOf(flags, 'wait'), ifOlderThan: secondsOf(flags, 'if-older-than'), randomDelay: secondsOf(flags, 'random-delay')};
    return this.perform(flags, async (context) => {
      const settled = await settleChoices(context, {only, canAsk: !this.jsonEnabled()});
      const outcome = await backup(settled, {
        only,
        allowEmpty: flags['allow-empty'],
        acceptSmaller: flags['accept-smaller'],
        newRepository: flags['new-repository'],
        offsite: flags['require-offsite'] ? 'require' : flags.offsite ? 'try' : 'no',
        ...timing,
        command: ['timetiles backup', ...(only === undefined ? [] : [only])].join(' '),
      });
      return outcome.state === 'fresh' ? renderFresh(outcome, context.clock.now()) : renderBackup(outcome);
    });
  }
}
