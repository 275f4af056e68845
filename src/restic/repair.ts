import {shellWord} from '../shared/format.ts';
import type {DamagedFile} from './digests.ts';
import {keyRemedy} from './errors.ts';
import {isAtLeast, type ResticVersion} from './version.ts';

const guide = 'https://restic.readthedocs.io/en/stable/077_troubleshooting.html';
/** A command line that a person pastes has its limits; the next check names the rest. */
const packsToName = 20;

export interface DamagedParts {
  readonly structural: readonly DamagedFile[];
  readonly isConfigDamaged: boolean;
  /** Full ids of the packs that are there and wrong. */
  readonly packs: readonly string[];
}

/**
 * The way to repair a damaged repository with the restic at hand, one step per line, commands ready to be pasted.
 * From 0.16 on restic has `repair`; before, a damaged pack has to be moved away by hand.
 */
export function repairSteps(repository: string, version: ResticVersion, damaged: DamagedParts): string[] {
  const path = shellWord(repository);
  const packs = damaged.packs.slice(0, packsToName);
  const files = structuralSteps(repository, damaged);
  const look = `Keep a copy first, and see whether the disk is failing (dmesg): cp -a ${path} ${shellWord(`${repository}.damaged`)}`;
  const again = ['Store again what the live data still has (twice, if the first ends with exit code 3): timetiles backup', 'Check all of it: timetiles backup verify --read-data'];
  if (isAtLeast(version, {major: 0, minor: 16})) {
    return [
      look,
      ...files,
      packs.length > 0 ? `Save what the damaged packs still hold: restic -r ${path} repair packs ${packs.join(' ')}` : `Mend the index: restic -r ${path} repair index`,
      ...again,
      `Only if that still finds damage, take what is lost out of the snapshots: restic -r ${path} repair snapshots --forget`,
      `restic's guide: ${guide}`,
    ];
  }
  return [
    look,
    ...files,
    ...packs.map((id) => `Move the damaged pack away: mv ${shellWord(`${repository}/data/${id.slice(0, 2)}/${id}`)} /root/`),
    `Mend the index: restic -r ${path} rebuild-index`,
    ...again,
    `If that still finds damage, a newer restic can do more (0.16: restic repair snapshots); its guide: ${guide}`,
  ];
}

/** A copy of a key or of a snapshot's file is as good as new; an index is made anew from the packs. */
function structuralSteps(repository: string, {structural, isConfigDamaged}: DamagedParts): string[] {
  const keys = structural.filter(({kind}) => kind === 'keys').map(({id}) => id);
  const moved = structural.filter(({kind}) => kind === 'snapshots').slice(0, packsToName).map(({id}) => `Put the snapshot's file back from a copy of the repository, or move it away: mv ${shellWord(`${repository}/snapshots/${id}`)} /root/`);
  const config = `Put the file back from the emergency kit, or from an epoch of the offsite copy, which has the same config: ${shellWord(`${repository}/config`)}`;
  return [...(keys.length > 0 ? [keyRemedy(repository, keys)] : isConfigDamaged ? [config] : []), ...moved];
}
