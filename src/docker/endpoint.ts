import {createHash} from 'node:crypto';
import {existsSync, readFileSync} from 'node:fs';
import {homedir} from 'node:os';
import {join} from 'node:path';
import {z} from 'zod';
import {meansDenied, meansMissing, systemCode, TimetilesError} from '../shared/errors.ts';
import {parseJson} from '../shared/parse-json.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where an engine answers. */
export interface Endpoint {
  /** Such as `unix:///var/run/docker.sock` or `tcp://10.0.0.5:2376`. */
  readonly host: string;
  /** What names it, in words. */
  readonly origin: string;
  /** Set where a docker context names it. */
  readonly context?: string;
  /** Speak TLS, with the certificates in this directory, if they are there. */
  readonly tls?: {readonly directory: string; readonly verify: boolean};
}

export const defaultHost = 'unix:///var/run/docker.sock';

const configSchema = z.object({currentContext: z.string().optional()});
const metaSchema = z.object({Endpoints: z.object({docker: z.object({Host: z.string().optional(), SkipTLSVerify: z.boolean().optional()}).optional()})});

/**
 * The engine that `docker ps` would use: DOCKER_HOST, else DOCKER_CONTEXT, else the current context, else the default socket.
 * @throws TimetilesError `docker` when it is named in a way that leads nowhere
 */
export function findEndpoint(environment: Environment): Endpoint {
  const directory = environment['DOCKER_CONFIG'] || join(environment['HOME'] || homedir(), '.docker');
  const host = environment['DOCKER_HOST'];
  if (host) {
    const verify = Boolean(environment['DOCKER_TLS_VERIFY']);
    const isTls = verify || Boolean(environment['DOCKER_TLS']) || host.startsWith('https://');
    return {host: normalHost(host, 'DOCKER_HOST', isTls), origin: 'DOCKER_HOST', ...(isTls && {tls: {directory: environment['DOCKER_CERT_PATH'] || directory, verify}})};
  }
  const context = environment['DOCKER_CONTEXT'] || currentContext(directory);
  return context === undefined || context === 'default' ? {host: defaultHost, origin: 'the default'} : contextEndpoint(directory, context);
}

/** A host as docker reads it, and a bare path of a socket besides. @throws TimetilesError `docker` for one that cannot be reached from here */
function normalHost(text: string, origin: string, isTls: boolean): string {
  const value = text.trim();
  const path = /^(?:unix:)?(\/(?!\/).*)$/.exec(value)?.[1] ?? /^unix:\/\/(.*)$/.exec(value)?.[1];
  if (path !== undefined) return path === '' ? defaultHost : `unix://${path}`;
  if (/^ssh:\/\/./.test(value)) return value;
  const address = /^(?:(?:tcp|https?):\/\/|(?![a-z]+:\/))([^/]*)\/*$/.exec(value)?.[1];
  const url = address === undefined || address.includes(' ') ? undefined : `http://${address.startsWith(':') || address === '' ? `127.0.0.1${address}` : address}`;
  if (url === undefined || !URL.canParse(url)) {
    throw new TimetilesError('docker', `${origin} is ${value}, and no Docker engine can be reached that way from here`, 'Write it as unix:///var/run/docker.sock, tcp://host:2376 or ssh://user@host; docker context ls shows what there is.');
  }
  const {hostname, port} = new URL(url);
  // 80 is http's own, so that URL leaves it out.
  return `tcp://${hostname}:${port || (address?.endsWith(':80') === true ? '80' : isTls ? '2376' : '2375')}`;
}

/** What `docker context use` has set; a file that docker cannot read either counts for nothing. */
function currentContext(directory: string): string | undefined {
  const text = readIfThere(join(directory, 'config.json'));
  const parsed = text === undefined ? undefined : configSchema.safeParse(parseJson(text));
  return parsed?.data?.currentContext || undefined;
}

function contextEndpoint(directory: string, context: string): Endpoint {
  const origin = `the docker context ${context}`;
  const id = createHash('sha256').update(context).digest('hex');
  const text = readIfThere(join(directory, 'contexts', 'meta', id, 'meta.json'));
  const endpoint = text === undefined ? undefined : metaSchema.safeParse(parseJson(text)).data?.Endpoints.docker;
  if (endpoint === undefined) {
    throw new TimetilesError('docker', `${origin} is not in ${join(directory, 'contexts')}`, 'Choose one that is there (docker context ls, docker context use default), or set DOCKER_HOST.');
  }
  const certificates = join(directory, 'contexts', 'tls', id, 'docker');
  const isTls = existsSync(certificates) || endpoint.SkipTLSVerify === true;
  const tls = {directory: certificates, verify: endpoint.SkipTLSVerify !== true};
  return {host: normalHost(endpoint.Host || defaultHost, origin, isTls), origin, context, ...(isTls && {tls})};
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (meansMissing(error)) return undefined;
    if (meansDenied(error)) throw new TimetilesError('permission', `${path} cannot be read (${systemCode(error)})`, 'Run the command as its owner, or set DOCKER_HOST.', {cause: error});
    throw error;
  }
}
