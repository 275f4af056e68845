import {mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';
import {scratchDirectory} from './paths.ts';

/** A private certificate authority and a server's certificate that it has signed. */
export interface Certificates {
  /** The authority's certificate as a file, for NODE_EXTRA_CA_CERTS or restic's --cacert. */
  authority: string;
  /** What `startS3Proxy` takes. */
  tls: {key: string; cert: string};
  remove(): Promise<void>;
}

/** Makes an authority that nobody knows yet, and with it a certificate for 127.0.0.1, localhost and more names. */
export async function makeCertificates(names: string[] = []): Promise<Certificates> {
  await mkdir(scratchDirectory, {recursive: true});
  const directory = await mkdtemp(join(scratchDirectory, 'certificates-'));
  const openssl = (...args: string[]) => execa('openssl', args, {cwd: directory});
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  try {
    await openssl(
      'req', '-x509', ...key, '-keyout', 'authority.key', '-out', 'authority.pem', '-days', '2',
      '-subj', '/CN=Timetiles bench authority', '-addext', 'basicConstraints=critical,CA:TRUE',
      '-addext', 'keyUsage=critical,keyCertSign',
    );
    await openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.request', '-subj', '/CN=localhost');
    const alternatives = ['IP:127.0.0.1', ...['localhost', ...names].map((name) => `DNS:${name}`)];
    await writeFile(
      join(directory, 'extensions'),
      `basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=${alternatives.join(',')}\n`,
    );
    await openssl(
      'x509', '-req', '-in', 'server.request', '-CA', 'authority.pem', '-CAkey', 'authority.key', '-CAcreateserial',
      '-out', 'server.pem', '-days', '2', '-extfile', 'extensions',
    );
    const read = (name: string) => readFile(join(directory, name), 'utf8');
    return {
      authority: join(directory, 'authority.pem'),
      tls: {key: await read('server.key'), cert: await read('server.pem')},
      remove: () => rm(directory, {recursive: true, force: true}),
    };
  } catch (error) {
    await rm(directory, {recursive: true, force: true});
    throw error;
  }
}
