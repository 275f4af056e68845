import {once} from 'node:events';
import {connect, createServer} from 'node:net';

/** Another way to reach an engine. */
export interface EngineProxy {
  /** For DOCKER_HOST. */
  dockerHost: string;
  close(): void;
}

/** Offers an engine's socket on a port of this machine, as an engine on another host would be reached. */
export async function overTcp(dockerHost: string): Promise<EngineProxy> {
  const server = createServer({allowHalfOpen: true}, (client) => {
    const engine = connect({path: dockerHost.slice('unix://'.length), allowHalfOpen: true});
    client.pipe(engine).pipe(client);
    client.on('error', () => engine.destroy());
    engine.on('error', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port to listen on');
  return {dockerHost: `tcp://127.0.0.1:${address.port}`, close: () => void server.close()};
}
