import {once} from 'node:events';
import {
  createServer,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import {createServer as createTlsServer} from 'node:https';
import type {Socket} from 'node:net';
import {finished} from 'node:stream/promises';
import {setTimeout as sleep} from 'node:timers/promises';
import {gatewayHost} from './gateway.ts';
import {forwardUntil, meter} from './s3-proxy-body.ts';
import {serveRange} from './s3-ranges.ts';
import type {S3Key} from './s3-request.ts';

/** What the proxy does to a request instead of passing it on as it is. */
export type S3Action =
  /**
   * Answers in place of the gateway, which never hears of it: after it has taken the whole request, or early, before a
   * client that waits for `100 Continue` has sent any body.
   */
  | {kind: 'answer'; status: number; body?: string; headers?: Record<string, string>; early?: boolean}
  /** Passes on so many bytes of the body, then ends both connections. */
  | {kind: 'cut'; afterBytes: number}
  /** The gateway does what it is asked, but the client's connection ends without an answer. */
  | {kind: 'cut-response'}
  /** Waits before it passes the request on. */
  | {kind: 'delay'; milliseconds: number}
  /** Flips one bit of the request's body. */
  | {kind: 'damage'; offset: number}
  /** Flips one bit of the answer's body. */
  | {kind: 'damage-response'; offset: number}
  /** Takes the whole request and never answers; the gateway never hears of it. */
  | {kind: 'stall'};

/** A request as the log has it. */
interface S3Entry {
  /** The place in the log. */
  index: number;
  method: string;
  /** As it was sent, percent-encoded and without the query. */
  path: string;
  query: string;
  /** By their names in lower case. */
  headers: Record<string, string | string[] | undefined>;
  /** How many bytes of body the client has sent. */
  bodyBytes: number;
  /** When it arrived, in milliseconds since 1970. */
  at: number;
  /** What the gateway or the rule answered; undefined when nobody did. */
  status: number | undefined;
  /** Whether the client got the whole answer. */
  delivered: boolean;
}

/** Decides about a request when its headers are there; undefined lets it through. */
type S3Rule = (entry: Readonly<S3Entry>) => S3Action | undefined;

/** What to do after the gateway has answered and before the client hears of it. */
export type S3Hook = (entry: Readonly<S3Entry>) => Promise<void>;

/** A proxy in front of the gateway that fails as it is told. */
export interface S3Proxy {
  endpoint: string;
  requests: S3Entry[];
  setRule(rule: S3Rule | undefined): void;
  setAfterEach(hook: S3Hook | undefined): void;
  /** Ends every connection; fails with what a rule or a hook has thrown. */
  close(): Promise<void>;
}

/**
 * Starts the proxy on a port of its own. It leaves the Host header alone, which the signature covers: the gateway
 * takes any port there. With a certificate the client speaks HTTPS to it. With the gateway's `owner`, ranges of objects are
 * right (s3-ranges.ts): restic reads so when it restores.
 */
export async function startS3Proxy(
  target: string,
  options: {tls?: {key: string; cert: string}; afterEach?: S3Hook; owner?: S3Key} = {},
): Promise<S3Proxy> {
  const proxying: Proxying = {
    target: new URL(target), owner: options.owner, requests: [], rule: undefined, hook: options.afterEach, failures: [],
    ended: new AbortController(),
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    // The request forgets its socket when that ends.
    const {socket} = request;
    // Either side may hang up at any time; what came of the request is in the log.
    handle(proxying, request, response).catch(() => socket.destroy());
  };
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  // By default Node asks for the body before anybody has seen the request.
  server.on('checkContinue', listener);
  // A test may hold a request for as long as it likes.
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port to listen on');
  return {
    endpoint: `${options.tls ? 'https' : 'http'}://127.0.0.1:${address.port}`,
    requests: proxying.requests,
    setRule: (rule) => (proxying.rule = rule),
    setAfterEach: (hook) => (proxying.hook = hook),
    close: async () => {
      proxying.ended.abort();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      const {failures} = proxying;
      if (failures.length === 0) return;
      throw new AggregateError(failures, `A rule or a hook of the proxy failed: ${String(failures[0])}`);
    },
  };
}

interface Proxying {
  target: URL;
  /** Who may read everything; needed to answer for ranges. */
  owner: S3Key | undefined;
  requests: S3Entry[];
  rule: S3Rule | undefined;
  hook: S3Hook | undefined;
  failures: unknown[];
  ended: AbortController;
}

/** Keeps what a rule or a hook throws for whoever closes the proxy: the client only sees its connection end. */
async function consult<T>(proxying: Proxying, question: () => T | Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    proxying.failures.push(error);
    throw error;
  }
}

async function handle(proxying: Proxying, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.on('error', () => {});
  response.on('error', () => {});
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const entry: S3Entry = {
    index: proxying.requests.length, method: request.method ?? '', path, query, headers: {...request.headers},
    bodyBytes: 0, at: Date.now(), status: undefined, delivered: false,
  };
  proxying.requests.push(entry);
  response.on('finish', () => (entry.delivered = true));
  const action = await consult(proxying, () => proxying.rule?.(entry));
  const isEarly = action?.kind === 'answer' && action.early === true;
  if (request.headers.expect === '100-continue' && !isEarly) response.writeContinue();
  if (action?.kind === 'answer' || action?.kind === 'stall') {
    request.on('data', (chunk: Buffer) => (entry.bodyBytes += chunk.length));
    if (!isEarly) await finished(request, {writable: false});
    if (action.kind === 'stall') return;
    entry.status = action.status;
    response.writeHead(action.status, action.headers).end(action.body);
    return;
  }
  if (action?.kind === 'delay') await sleep(action.milliseconds, undefined, {signal: proxying.ended.signal});
  await passOn(proxying, {request, response, client: request.socket, entry, action});
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  client: Socket;
  entry: S3Entry;
  action: S3Action | undefined;
}

async function passOn(proxying: Proxying, exchange: Exchange): Promise<void> {
  const {request, response, client, entry, action} = exchange;
  const {hostname, port} = proxying.target;
  const headers = withoutConnection(request.rawHeaders);
  const {method, url} = request;
  const upstream = httpRequest({hostname, port, method, path: url, headers, agent: false, setHost: false});
  response.on('close', () => upstream.destroy());
  if (action?.kind === 'cut') {
    await forwardUntil(request, upstream, action.afterBytes, (bytes) => (entry.bodyBytes += bytes));
    client.destroy();
    return;
  }
  const answered = answerOf(upstream);
  request
    .pipe(meter((bytes) => (entry.bodyBytes += bytes), action?.kind === 'damage' ? action.offset : undefined))
    .pipe(upstream);
  const answer = await answered;
  if (answer === undefined) return void client.destroy();
  // The gateway may refuse early and take no more, but the client would not hear it if its connection ended now.
  if (!request.readableEnded) {
    request.unpipe().on('data', (chunk: Buffer) => (entry.bodyBytes += chunk.length)).resume();
    await finished(request, {writable: false}).catch(() => {});
  }
  entry.status = answer.statusCode;
  await consult(proxying, () => proxying.hook?.(entry));
  if (action?.kind === 'cut-response') {
    answer.resume();
    client.destroy();
    return;
  }
  const {range} = request.headers;
  if (proxying.owner && range !== undefined && answer.statusCode === 206) {
    upstream.destroy();
    // Where the bucket is in the host's name, the path lacks it.
    const [host = ''] = (request.headers.host ?? '').split(':');
    const path = host.endsWith(`.${gatewayHost}`) ? `/${host.slice(0, -gatewayHost.length - 1)}${entry.path}` : entry.path;
    await serveRange(proxying.target, proxying.owner, path, range, answer, response);
    return;
  }
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, withoutConnection(answer.rawHeaders));
  const damaged = action?.kind === 'damage-response' ? action.offset : undefined;
  answer.on('error', () => client.destroy());
  answer.pipe(meter(() => {}, damaged)).pipe(response);
}

/** Resolves to undefined when the gateway hangs up without an answer. */
function answerOf(upstream: ClientRequest): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    upstream.on('response', resolve);
    upstream.on('error', () => resolve(undefined));
    upstream.on('close', () => resolve(undefined));
  });
}

// These are about one connection only, and there are two. A gateway that is told to close does so while a client that
// it refuses is still sending.
function withoutConnection(rawHeaders: string[]): string[] {
  const kept = ['Connection', 'keep-alive'];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    if (!['connection', 'keep-alive', 'expect'].includes(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}
