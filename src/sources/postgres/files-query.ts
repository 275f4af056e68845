import {messageOf, TimetilesError} from '../../shared/errors.ts';
import type {ExpectedFiles} from '../source.ts';
import type {Connection} from './connection.ts';
import {streamSql} from './psql.ts';
import {literal} from './sql.ts';

/** How long the operator's query may take, in seconds. */
const filesQueryLimit = 600;

/** What stands for a character in a line of COPY. */
const copyEscapes: Readonly<Record<string, string>> = {b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v'};

/**
 * Wraps the operator's query so that it sees the moment of the dump, where one is given, and changes nothing. COPY streams where psql would
 * keep the whole answer in memory, and tells a second column from a path with a tab.
 */
export function filesQueryScript(query: string, snapshot: string | undefined): string {
  const statement = query.trim().replace(/;$/, '').trim();
  // The query may end with a comment.
  return `begin isolation level repeatable read, read only;
${snapshot === undefined ? '' : `set transaction snapshot ${literal(snapshot)};
`}set local statement_timeout = '${filesQueryLimit}s';
copy (
${statement}
) to stdout;
commit;`;
}

/**
 * Reads one line of COPY: the path, or undefined for NULL and for nothing.
 * @throws TimetilesError when it has several columns
 */
export function parsePathLine(line: string): string | undefined {
  if (line === '\\N' || line === '') return undefined;
  if (line.includes('\t')) throw new TimetilesError('database', 'the query returns several columns', 'Let BACKUP_FILES_QUERY return the path alone.');
  return line.replaceAll(/\\(.)/g, (_, character: string) => copyEscapes[character] ?? character);
}

/**
 * Hands the paths of BACKUP_FILES_QUERY on, as they were in the moment of the dump. It has a session of its own: a bad
 * query would end the transaction that pg_dump needs. Never fails: no backup is lost for it.
 */
export async function listExpectedFiles(connection: Connection, query: string, moment: {snapshot: string | undefined; run: string; wasEnded?: () => boolean}, files: ExpectedFiles): Promise<void> {
  let problem: unknown;
  try {
    await streamSql(connection, filesQueryScript(query, moment.snapshot), {run: moment.run, limit: filesQueryLimit + 60, leaves: ['search_path']}, (line) => {
      try {
        const path = problem === undefined ? parsePathLine(line) : undefined;
        if (path !== undefined) files.add(path);
      } catch (error) {
        problem = error;
      }
    });
  } catch (error) {
    problem ??= error;
  }
  if (problem !== undefined && moment.wasEnded?.()) files.end('the query was ended, since the app waited for the tables that it read');
  else files.end(problem === undefined ? undefined : messageOf(problem));
}
