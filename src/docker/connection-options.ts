import {existsSync, readFileSync} from 'node:fs';
import {Agent as HttpAgent} from 'node:http';
import {Agent as HttpsAgent} from 'node:https';
import {join} from 'node:path';
import type {DockerOptions} from 'dockerode';
import {TimetilesError} from '../shared/errors.ts';
import type {Endpoint} from './endpoint.ts';

/** What dockerode would else take from DOCKER_HOST by itself. */
const nothing = {host: undefined, port: undefined, ca: undefined, cert: undefined, key: undefined, protocol: 'http'} as const;

/** An endpoint in dockerode's words, every one of which is given: what is left out, it looks for in this process's environment. */
export function connectionOptions({host, tls}: Endpoint): DockerOptions {
  if (host.startsWith('unix://')) return {...nothing, socketPath: host.slice('unix://'.length)};
  const url = new URL(host);
  const hostName = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol === 'ssh:') {
    const agent = process.env['SSH_AUTH_SOCK'];
    return {...nothing, protocol: 'ssh', host: hostName, port: url.port || 22, username: decodeURIComponent(url.username), ...(agent && {sshOptions: {agent}})};
  }
  if (!tls) return {...nothing, host: hostName, port: url.port};
  return {...nothing, protocol: 'https', host: hostName, port: url.port, ...certificates(tls.directory)};
}

/** What holds the connection to an endpoint, and can end it; undefined by ssh, where dockerode makes its own. */
export function connectionAgent({host, tls}: Endpoint): HttpAgent | undefined {
  if (host.startsWith('ssh:')) return undefined;
  return tls ? new HttpsAgent({rejectUnauthorized: tls.verify}) : new HttpAgent();
}

/** The files that docker itself knows: an own authority, and a client's certificate with its key. All may be left out. */
function certificates(directory: string): {ca?: Buffer; cert?: Buffer; key?: Buffer} {
  const read = (name: string) => {
    const path = join(directory, name);
    return existsSync(path) ? readFileSync(path) : undefined;
  };
  const [ca, cert, key] = [read('ca.pem'), read('cert.pem'), read('key.pem')];
  if ((cert === undefined) !== (key === undefined)) throw new TimetilesError('docker', `${directory} has only one of cert.pem and key.pem`, 'Put both there, or correct DOCKER_CERT_PATH.');
  return {...(ca && {ca}), ...(cert && {cert}), ...(key && {key})};
}
