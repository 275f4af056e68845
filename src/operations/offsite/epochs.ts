import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {z} from 'zod';
import {createBandwidth} from '../../offsite/bandwidth.ts';
import {newEpoch, reasonForNewEpoch} from '../../offsite/epoch.ts';
import {openLedger, type Epoch, type Ledger} from '../../offsite/ledger.ts';
import {replicate, type Replicated} from '../../offsite/replicate.ts';
import type {S3Client} from '../../offsite/s3/client.ts';
import {readRepositoryId} from '../../restic/repository-id.ts';
import {writeFileAtomically} from '../../shared/atomic-file.ts';
import {plural} from '../../shared/format.ts';
import {parseJson} from '../../shared/parse-json.ts';
import {readTextOrNothing} from '../../shared/read-text.ts';
import type {Context} from '../context.ts';
import {readState, updateState} from './state.ts';
import {offsiteConnections, type S3Target} from './target.ts';

const idSchema = z.object({configDigest: z.string(), id: z.string()});

/** The local repository's id. It is sealed in the config file, so it is remembered beside that file's digest: asking restic costs most of a second. */
export async function localRepositoryId(context: Context): Promise<string> {
  const path = join(context.stateDirectory, 'repository-id.json');
  const configDigest = createHash('sha256').update(readFileSync(join(context.restic.repository, 'config'))).digest('hex');
  const known = idSchema.safeParse(parseJson(readTextOrNothing(path))).data;
  if (known?.configDigest === configDigest) return known.id;
  const id = await readRepositoryId(context.restic);
  await writeFileAtomically(path, JSON.stringify({configDigest, id}));
  return id;
}

/** The ledger of the local repository's copy at a target. The caller closes it. */
export function ledgerOf(target: S3Target, repositoryId: string): Ledger {
  return openLedger(join(target.stateDirectory, `ledger-${repositoryId.slice(0, 16)}.jsonl`), {repository: repositoryId, url: target.shownUrl});
}

/** The path of an epoch below the target's URL. */
export function epochPath(repositoryId: string, epoch: Epoch): string {
  return `${repositoryId}/${epoch.name}`;
}

/**
 * Brings the current epoch up to date with the local repository, or begins another one. Call it under the repository's
 * lock. @throws S3Failure, a system error, or TimetilesError for a damaged local file
 * @param options `startAnew` begins a new epoch whatever the ledger says
 */
export async function replicateToEpoch(context: Context, target: S3Target, client: S3Client, options: {startAnew: boolean}): Promise<Replicated & {epoch: string}> {
  const {settings, clock, signal, log} = context;
  const repositoryId = await localRepositoryId(context);
  const ledger = ledgerOf(target, repositoryId);
  try {
    if (ledger.damagedLines > 0) {
      log.warn(`${plural(ledger.damagedLines, 'line')} of the ledger of the offsite copy cannot be read; what they told of is sent again`);
      await ledger.repair();
    }
    const reason = options.startAnew ? 'it was asked for' : reasonForNewEpoch(ledger.epoch, settings.OFFSITE_EXPIRE_DAYS, clock.now());
    if (reason !== undefined) await ledger.begin(newEpoch(clock.now()));
    const {epoch} = ledger;
    if (!epoch) throw new Error('the ledger has no epoch');
    if (reason !== undefined) log.info(`offsite: beginning a full copy, epoch ${epoch.name}: ${reason}`);
    const known = readState(target).conditional ?? true;
    const rate = settings.BACKUP_UPLOAD_LIMIT_KIB * 1024;
    const replicated = await replicate({
      repository: context.restic.repository,
      client,
      ledger,
      root: `${target.keyPrefix}${epochPath(repositoryId, epoch)}`,
      conditional: known,
      connections: offsiteConnections,
      bandwidth: rate > 0 ? createBandwidth(rate, signal) : undefined,
      now: () => clock.now(),
      signal,
      onProgress: (progress) => log.progress({label: 'offsite', ...progress}),
    });
    if (replicated.conditional !== known) await updateState(target, {conditional: replicated.conditional});
    return {...replicated, epoch: epoch.name};
  } finally {
    ledger.close();
  }
}
