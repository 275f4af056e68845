import {Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage} from 'node:http';
import {Agent as HttpsAgent, request as httpsRequest} from 'node:https';

/** A body in pieces, from its beginning at every call. */
export type Body = () => AsyncIterable<Uint8Array>;

interface TransportRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Makes the body anew for every attempt; its length must be in `content-length`. A piece need only be valid until the next is asked for. */
  readonly body?: Body | undefined;
}

export interface TransportResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface TransportOptions {
  /** Certificates to trust beside the usual ones, PEM. */
  readonly ca?: string | undefined;
  readonly connections: number;
  /** Milliseconds without a byte in either direction after which a request is given up. */
  readonly idleLimit: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Transport {
  send(request: TransportRequest): Promise<TransportResponse>;
  close(): void;
}

/** How long a server may take to say that it wants the body; many never say it, and get it then. */
const continueMilliseconds = 1000;
/** What a service answers is short; a listing of a thousand keys takes a few hundred KiB. */
const maximumAnswer = 8 * 1024 * 1024;

/** HTTP with kept connections. An answer of any status is a result; only a connection that fails is thrown. */
export function createTransport(options: TransportOptions): Transport {
  const settings = {keepAlive: true, maxSockets: options.connections, timeout: options.idleLimit};
  const http = new HttpAgent(settings);
  const https = new HttpsAgent({...settings, ...(options.ca !== undefined && {ca: options.ca})});
  return {
    send: (request) => send(request, request.url.protocol === 'https:' ? (given) => httpsRequest(request.url, {...given, agent: https}) : (given) => httpRequest(request.url, {...given, agent: http}), options),
    close: () => {
      http.destroy();
      https.destroy();
    },
  };
}

type Opener = (given: {method: string; headers: Readonly<Record<string, string>>; signal?: AbortSignal}) => ClientRequest;

async function send(request: TransportRequest, open: Opener, {idleLimit, signal}: TransportOptions): Promise<TransportResponse> {
  signal?.throwIfAborted();
  const {body} = request;
  // A refusal then costs no upload, and comes as an answer, not as a connection that was cut in the middle of one.
  const headers = body === undefined ? request.headers : {...request.headers, expect: '100-continue'};
  const outgoing = open({method: request.method, headers, ...(signal && {signal})});
  outgoing.setTimeout(idleLimit, () => outgoing.destroy(Object.assign(new Error(`no answer for ${Math.round(idleLimit / 1000)} seconds`), {code: 'ETIMEDOUT'})));
  try {
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve);
      // For as long as it lives: a second error must not go unheard.
      outgoing.on('error', reject);
    });
    answer.catch(() => undefined); // It is awaited below; until then an error is not "unhandled".
    if (body === undefined) outgoing.end();
    else {
      outgoing.flushHeaders();
      // Refused, or there already: then nothing of the body is read.
      if ((await permission(outgoing, answer)) === 'answered') return await read(await answer);
      upload(outgoing, body(), answer).catch((error: unknown) => outgoing.destroy(error instanceof Error ? error : new Error(String(error))));
    }
    return await read(await answer);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    // A connection whose request was not sent to its end cannot be used again.
    if (!outgoing.writableFinished) outgoing.destroy();
  }
}

/**
 * Sends the body. The next piece is asked for once the last one is out of this process, so that one buffer can serve them
 * all. An answer that comes before the body is through ends the upload, and counts.
 */
async function upload(outgoing: ClientRequest, body: AsyncIterable<Uint8Array>, answer: Promise<IncomingMessage>): Promise<void> {
  const state = {answered: false};
  const answered = answer.then(
    () => void (state.answered = true),
    () => void (state.answered = true),
  );
  for await (const piece of body) {
    if (state.answered) return;
    const sent = new Promise<void>((resolve) => void outgoing.write(piece, () => resolve()));
    await Promise.race([sent, answered]);
  }
  if (!state.answered) outgoing.end();
}

/** Waits for `100 Continue`, for an answer that makes the body needless, or a second. */
async function permission(outgoing: ClientRequest, answer: Promise<IncomingMessage>): Promise<'allowed' | 'answered'> {
  let timer: NodeJS.Timeout | undefined;
  const allowed = new Promise<'allowed'>((resolve) => {
    outgoing.once('continue', () => resolve('allowed'));
    timer = setTimeout(() => resolve('allowed'), continueMilliseconds);
  });
  const answered = answer.then(() => 'answered' as const);
  return Promise.race([allowed, answered]).finally(() => clearTimeout(timer));
}

async function read(incoming: IncomingMessage): Promise<TransportResponse> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > maximumAnswer) throw new Error('the server answers with more than an answer can hold');
    chunks.push(chunk);
  }
  return {status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks)};
}
