import {join} from 'node:path';
import {writeFileAtomically} from '../shared/atomic-file.ts';
import {parseJson} from '../shared/parse-json.ts';
import {readTextOrNothing} from '../shared/read-text.ts';
import {alertRecordsSchema, type AlertRecords} from './policy.ts';

/** What this host has told already; empty when that was lost or damaged, and then it is told once more. */
export function readAlertRecords(stateDirectory: string): AlertRecords {
  return alertRecordsSchema.safeParse(parseJson(readTextOrNothing(recordsPath(stateDirectory)))).data ?? {};
}

/** No lock is needed: a lost race costs one mail too many. */
export async function writeAlertRecords(stateDirectory: string, records: AlertRecords): Promise<void> {
  await writeFileAtomically(recordsPath(stateDirectory), `${JSON.stringify(records, undefined, 2)}\n`);
}

function recordsPath(stateDirectory: string): string {
  return join(stateDirectory, 'alerts.json');
}
