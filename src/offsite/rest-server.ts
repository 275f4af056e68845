import {readFileSync} from 'node:fs';
import {createTransport} from './s3/transport.ts';

/** Names no pack: nothing can be lost by asking. */
const nothing = 'data/0000000000000000000000000000000000000000000000000000000000000000';
const answerLimit = 30_000;

/**
 * Whether a REST server lets these credentials delete, by asking it to delete what is not there: rest-server in
 * append-only mode answers 403. Servers of other kinds than `rest:` are not asked; restic tells when it gets there.
 * @param variables restic's own: RESTIC_REST_USERNAME, RESTIC_REST_PASSWORD, RESTIC_CACERT
 */
export async function mayDeleteOnRestServer(url: string, variables: Readonly<Record<string, string>>, signal: AbortSignal): Promise<boolean> {
  if (!/^rest:https?:/.test(url)) return true;
  const base = new URL(url.slice('rest:'.length).replace(/\/*$/, '/'));
  const user = decodeURIComponent(base.username) || variables['RESTIC_REST_USERNAME'];
  const password = decodeURIComponent(base.password) || variables['RESTIC_REST_PASSWORD'];
  base.username = '';
  base.password = '';
  const authority = variables['RESTIC_CACERT'];
  const transport = createTransport({connections: 1, idleLimit: answerLimit, signal, ca: authority === undefined ? undefined : readFileSync(authority, 'utf8')});
  try {
    const authorization = user === undefined ? {} : {authorization: `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`};
    const {status} = await transport.send({method: 'DELETE', url: new URL(nothing, base), headers: {'content-length': '0', ...authorization}});
    return status !== 403 && status !== 405;
  } finally {
    transport.close();
  }
}
