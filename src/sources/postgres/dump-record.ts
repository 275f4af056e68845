import {startDump} from '../../restic/dump.ts';
import {resticError} from '../../restic/errors.ts';
import {messageOf, TimetilesError} from '../../shared/errors.ts';
import type {SourceContext, SourceRecord} from '../source.ts';
import {dumpPath} from './dump.ts';
import type {ImportedDetails} from './facts.ts';
import {createDumpFilter} from './import/filter.ts';

/**
 * What a set without a manifest lacks, as far as the dump itself tells it: version, roles and extensions. Reads the whole dump
 * once, and so knows that it is whole. Undefined for what is damaged or not a dump as pg_dump writes it; the load then tells why.
 */
export async function recordOfDump(context: SourceContext, snapshot: string): Promise<SourceRecord | undefined> {
  context.log.info('reading the dump, since no manifest tells what it needs');
  const filter = createDumpFilter('the dump');
  const dump = startDump(context.restic, snapshot, dumpPath, 'stream');
  let bytes = 0;
  try {
    for await (const chunk of dump.output ?? []) {
      if (!(chunk instanceof Buffer)) continue;
      filter.push(chunk);
      bytes += chunk.length;
      context.log.progress({label: 'reading the dump', bytes});
    }
    const result = await dump.result;
    if (result.exitCode !== 0) throw resticError(context.restic, `reading ${dumpPath}`, result);
    const {facts} = filter.end();
    const details: ImportedDetails = {...facts, roles: [...facts.roles], extensions: [...facts.extensions]};
    const imported = {file: 'database.sql', bytes, sha256: '', kind: 'dump', notes: []};
    return {source: 'db', snapshot, bytes, added: 0, files: 1, seconds: 0, unreadable: [], details, imported};
  } catch (error) {
    if (!(error instanceof TimetilesError) || !['import', 'repository-damaged'].includes(error.kind)) throw error;
    context.log.debug(`the dump tells nothing of itself: ${messageOf(error)}`);
    return undefined;
  } finally {
    dump.output?.destroy();
    dump.stop();
    await Promise.allSettled([dump.result]);
  }
}
