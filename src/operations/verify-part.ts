import {join} from 'node:path';
import {z} from 'zod';
import type {DataPart} from '../restic/digests.ts';
import {writeFileAtomically} from '../shared/atomic-file.ts';
import {messageOf} from '../shared/errors.ts';
import {parseJson} from '../shared/parse-json.ts';
import {readTextOrNothing} from '../shared/read-text.ts';
import {withoutPassword} from '../shared/redact.ts';
import type {Context} from './context.ts';

const stateSchema = z.record(z.string(), z.object({number: z.number(), of: z.number()}));

/** All packs. */
export const allData: DataPart = {number: 1, of: 1};

/**
 * The part of the packs that is read next, of so many that each has at least the percentage; as many runs read everything.
 * Undefined for 0: nothing is read.
 */
export function nextPart(context: Context, readPercent: number): DataPart | undefined {
  if (readPercent === 0) return undefined;
  const of = Math.max(1, Math.floor(100 / readPercent));
  const last = readParts(context)[nameOf(context)];
  return {number: last?.of === of ? (last.number % of) + 1 : 1, of};
}

/** Remembers that a part was read to its end. */
export async function rememberPart(context: Context, part: DataPart): Promise<void> {
  if (part.of === 1) return;
  try {
    await writeFileAtomically(pathOf(context), `${JSON.stringify({...readParts(context), [nameOf(context)]: part}, undefined, 2)}\n`);
  } catch (error) {
    context.log.warn(`the next check will read the same part of the data: ${messageOf(error)}`);
  }
}

/** By address: a copy that was made file by file has the id of its original, and takes turns of its own. */
function nameOf({restic}: Context): string {
  return withoutPassword(restic.repository);
}

function readParts(context: Context): z.output<typeof stateSchema> {
  return stateSchema.safeParse(parseJson(readTextOrNothing(pathOf(context)))).data ?? {};
}

function pathOf({stateDirectory}: Context): string {
  return join(stateDirectory, 'verify.json');
}
