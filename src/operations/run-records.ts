import {join} from 'node:path';
import {z} from 'zod';
import {writeFileAtomically} from '../shared/atomic-file.ts';
import {parseJson} from '../shared/parse-json.ts';
import {readTextOrNothing} from '../shared/read-text.ts';
import type {Context} from './context.ts';

/** What runs at night or in need, and has to be heard of when it fails. */
const jobs = ['backup', 'prune', 'verify', 'verify-offsite', 'restore', 'restore-test', 'restore-test-offsite'] as const;
export type Job = (typeof jobs)[number];

const recordSchema = z.object({
  /** When the run ended, ISO 8601. */
  time: z.string(),
  /** `incomplete`: done, but some files could not be read. */
  state: z.enum(['done', 'incomplete', 'failed']),
  /** What failed, or what is worth knowing of a good run. */
  message: z.string().nullable(),
  /** The set that the run made, checked or restored. */
  set: z.string().nullable(),
});
export type RunRecord = z.output<typeof recordSchema>;

/** The last run of a job, and the last one that did not fail. */
const jobRecordsSchema = z.object({last: recordSchema, lastGood: recordSchema.nullable()});

const fileSchema = z.partialRecord(z.enum(jobs), jobRecordsSchema);
export type RunRecords = z.output<typeof fileSchema>;

/** What this host remembers of its runs; empty when that was lost. */
export function readRunRecords(context: Pick<Context, 'stateDirectory'>): RunRecords {
  return fileSchema.safeParse(parseJson(readTextOrNothing(recordsPath(context)))).data ?? {};
}

/** Remembers how a run of a job ended. The repository's lock is not needed: a lost race costs one line of `backup status`. */
export async function recordRun(context: Pick<Context, 'stateDirectory'>, job: Job, record: RunRecord): Promise<void> {
  const records = readRunRecords(context);
  const lastGood = record.state === 'failed' ? (records[job]?.lastGood ?? null) : record;
  await writeFileAtomically(recordsPath(context), `${JSON.stringify({...records, [job]: {last: record, lastGood}}, undefined, 2)}\n`);
}

function recordsPath({stateDirectory}: Pick<Context, 'stateDirectory'>): string {
  return join(stateDirectory, 'runs.json');
}
