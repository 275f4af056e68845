import type {ProbeReport} from '../../operations/offsite/probe.ts';
import type {Proof} from '../../offsite/prove.ts';
import type {CredentialLevel} from '../../offsite/level.ts';
import type {Rendered} from '../base-command.ts';
import {renderTable} from './table.ts';

const consequences: Record<CredentialLevel, readonly string[]> = {
  'read-write': ['backup --offsite copies sets with restic; backup prune, backup list and restore work offsite too.'],
  'append-only': ['backup --offsite replicates the repository by PutObject; backup list and restore work offsite.', 'backup prune skips the offsite copy. Whether the key may write shows with the first backup, or now: timetiles offsite probe --prove'],
  'write-only': ['backup --offsite replicates the repository by PutObject.', 'backup list, backup verify and restore need a reading key offsite: timetiles offsite policy --level reading'],
};

export function renderProbe(report: ProbeReport): Rendered {
  const {abilities, level, proof} = report;
  const lines = [
    `The key ${report.keyId} is ${level} at ${report.url}.`,
    renderTable([
      ['  list (ListBucket)', yes(abilities.list)],
      ['  read (GetObject)', yes(abilities.read)],
      ['  delete (DeleteObject)', yes(abilities.remove)],
      ['  store (PutObject)', proof === null ? 'not tried' : yes(proof.stored)],
    ]),
    ...consequences[level],
    ...(proof === null ? [] : ['', ...describeProof(proof, abilities.read)]),
  ];
  return {text: lines.join('\n'), json: report};
}

function yes(value: boolean): string {
  return value ? 'yes' : 'no';
}

/** What a thief with these credentials could do to the backups, in plain words. */
export function describeProof(proof: Proof, canRead: boolean): string[] {
  if (!proof.stored) return ['The canary could not be written: with this key no backup can be made. It may read at most.'];
  const reading = canRead ? 'could copy the backups, which are encrypted, and needs the password to read them' : 'could not read them';
  return [`A thief with this key ${reading}.`, overwriting(proof), removing(proof), leftover(proof)].filter((line) => line !== '');
}

function overwriting({overwritten, versioned, conditional}: Proof): string {
  if (!overwritten) return 'The thief could not overwrite a backup: the bucket refuses a second object of the same name.';
  if (versioned) return 'The thief could put garbage in the place of every backup; the bucket has versions, so what was there before can be brought back.';
  const remedy = conditional === 'obeyed' ? ' or a policy that demands If-None-Match' : '';
  return `DANGER: the thief could overwrite every backup with garbage, and nothing of it would be left. Turn on versioning or object lock${remedy}: timetiles offsite policy`;
}

function removing({removed, versioned, versionRemoved}: Proof): string {
  if (versionRemoved === true) return 'DANGER: the thief could delete every backup for good, old versions too.';
  if (!removed) return 'The thief could not delete a backup.';
  if (versioned) return 'The thief could delete backups, but the bucket keeps their old versions, and this key cannot remove those.';
  return 'DANGER: the thief could delete every backup, and nothing of it would be left.';
}

function leftover({removed, key}: Proof): string {
  return removed ? '' : `The canary ${key} stays there, a few bytes that no backup needs; delete it with another key if you like.`;
}
