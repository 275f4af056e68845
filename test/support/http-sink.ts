import {once} from 'node:events';
import {createServer} from 'node:http';

interface SunkRequest {
  method: string;
  /** With the query. */
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A server that keeps what it is sent. */
export interface HttpSink {
  /** `http://127.0.0.1:PORT`. */
  url: string;
  requests: SunkRequest[];
  /** The requests since the last call. */
  take(): SunkRequest[];
  /** What it answers from now on: a status, or nothing at all. */
  answer(status: number | 'never'): void;
  close(): Promise<void>;
}

/** Starts one that answers 200 until told otherwise. */
export async function startHttpSink(): Promise<HttpSink> {
  const requests: SunkRequest[] = [];
  let status: number | 'never' = 200;
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const {method = '', url: path = '', headers} = request;
      requests.push({method, path, headers, body});
      if (status === 'never') return;
      response.writeHead(status, status >= 300 && status < 400 ? {location: '/elsewhere'} : {}).end('an answer');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port to listen on');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    take: () => requests.splice(0),
    answer: (next) => void (status = next),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
