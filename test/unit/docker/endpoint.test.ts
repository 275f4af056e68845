import {createHash} from 'node:crypto';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {connectionAgent, connectionOptions} from '../../../src/docker/connection-options.ts';
import {findEndpoint} from '../../../src/docker/endpoint.ts';
import {problem, temporaryDirectory, thrownBy} from '../support.ts';

/** A directory like ~/.docker with these contexts, one of them the current one. */
function dockerConfig(contexts: Record<string, object>, currentContext?: string): string {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'config.json'), JSON.stringify({auths: {}, ...(currentContext !== undefined && {currentContext})}));
  for (const [name, docker] of Object.entries(contexts)) {
    const meta = join(directory, 'contexts', 'meta', createHash('sha256').update(name).digest('hex'));
    mkdirSync(meta, {recursive: true});
    writeFileSync(join(meta, 'meta.json'), JSON.stringify({Name: name, Metadata: {}, Endpoints: {docker}}));
  }
  return directory;
}

const empty = {HOME: '/nonexistent'};

describe('findEndpoint', () => {
  test.each([
    ['', 'unix:///var/run/docker.sock'],
    ['unix:///run/user/1000/docker.sock', 'unix:///run/user/1000/docker.sock'],
    ['unix://', 'unix:///var/run/docker.sock'],
    ['unix:/run/docker.sock', 'unix:///run/docker.sock'],
    ['/var/run/docker.sock', 'unix:///var/run/docker.sock'],
    [' /var/run/docker.sock ', 'unix:///var/run/docker.sock'],
    ['tcp://10.0.0.5:2376', 'tcp://10.0.0.5:2376'],
    ['tcp://10.0.0.5', 'tcp://10.0.0.5:2375'],
    ['tcp://proxy:80/', 'tcp://proxy:80'],
    ['http://proxy:2375', 'tcp://proxy:2375'],
    ['https://proxy', 'tcp://proxy:2376'],
    ['tcp://[::1]:2375', 'tcp://[::1]:2375'],
    ['tcp://:2375', 'tcp://127.0.0.1:2375'],
    ['10.0.0.5:2375', 'tcp://10.0.0.5:2375'],
    ['ssh://me@host:2222', 'ssh://me@host:2222'],
  ])('takes DOCKER_HOST=%j for %s', (value, host) => {
    expect(findEndpoint({...empty, DOCKER_HOST: value}).host).toBe(host);
  });

  test.each(['npipe:////./pipe/docker_engine', 'fd://', 'quic://host', 'relative/docker.sock', 'tcp://ho st:1', 'tcp://host:99999'])('refuses DOCKER_HOST=%s, which docker cannot use either', async (value) => {
    expect(await thrownBy(() => findEndpoint({...empty, DOCKER_HOST: value}))).toMatchObject(problem('docker', `DOCKER_HOST is ${value}, and no Docker engine`, 'unix:///var/run/docker.sock'));
  });

  test('follows the current context, DOCKER_CONTEXT before it, and DOCKER_HOST before both', () => {
    const DOCKER_CONFIG = dockerConfig({rootless: {Host: 'unix:///run/user/1000/docker.sock'}, far: {Host: 'ssh://me@far'}}, 'rootless');
    const rootless = {host: 'unix:///run/user/1000/docker.sock', origin: 'the docker context rootless', context: 'rootless'};
    expect(findEndpoint({DOCKER_CONFIG})).toEqual(rootless);
    expect(findEndpoint({DOCKER_CONFIG, DOCKER_CONTEXT: 'far'})).toMatchObject({host: 'ssh://me@far', context: 'far'});
    expect(findEndpoint({DOCKER_CONFIG, DOCKER_CONTEXT: 'default'})).toEqual({host: 'unix:///var/run/docker.sock', origin: 'the default'});
    expect(findEndpoint({DOCKER_CONFIG, DOCKER_HOST: '/x.sock', DOCKER_CONTEXT: 'far'})).toEqual({host: 'unix:///x.sock', origin: 'DOCKER_HOST'});
  });

  test('finds contexts below the home directory, and the certificates of one', () => {
    const HOME = temporaryDirectory();
    const name = 'prod';
    const id = createHash('sha256').update(name).digest('hex');
    const certificates = join(HOME, '.docker', 'contexts', 'tls', id, 'docker');
    mkdirSync(join(HOME, '.docker', 'contexts', 'meta', id), {recursive: true});
    mkdirSync(certificates, {recursive: true});
    for (const file of ['ca.pem', 'cert.pem', 'key.pem']) writeFileSync(join(certificates, file), file);
    writeFileSync(join(HOME, '.docker', 'config.json'), JSON.stringify({currentContext: name}));
    writeFileSync(join(HOME, '.docker', 'contexts', 'meta', id, 'meta.json'), JSON.stringify({Name: name, Endpoints: {docker: {Host: 'tcp://10.0.0.5', SkipTLSVerify: false}}}));
    const endpoint = findEndpoint({HOME});
    expect(endpoint).toEqual({host: 'tcp://10.0.0.5:2376', origin: 'the docker context prod', context: name, tls: {directory: certificates, verify: true}});
    expect(connectionOptions(endpoint)).toMatchObject({protocol: 'https', host: '10.0.0.5', port: '2376', ca: Buffer.from('ca.pem'), key: Buffer.from('key.pem')});
  });

  test('refuses a context that is not there, and takes a broken config.json for none, as docker does', async () => {
    const DOCKER_CONFIG = dockerConfig({}, 'gone');
    expect(await thrownBy(() => findEndpoint({DOCKER_CONFIG}))).toMatchObject(problem('docker', `the docker context gone is not in ${DOCKER_CONFIG}/contexts`, 'docker context ls'));
    writeFileSync(join(DOCKER_CONFIG, 'config.json'), '{');
    expect(findEndpoint({DOCKER_CONFIG})).toMatchObject({origin: 'the default'});
  });

  test('speaks TLS where DOCKER_TLS_VERIFY or DOCKER_TLS says so', () => {
    expect(findEndpoint({...empty, DOCKER_HOST: 'tcp://h', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/c'})).toMatchObject({host: 'tcp://h:2376', tls: {directory: '/c', verify: true}});
    const unverified = findEndpoint({...empty, DOCKER_HOST: 'tcp://h', DOCKER_TLS: '1'});
    expect(connectionOptions(unverified)).toMatchObject({protocol: 'https'});
    expect(connectionAgent(unverified)).toMatchObject({options: {rejectUnauthorized: false}});
  });
});
