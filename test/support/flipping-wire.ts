import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';
import {meter} from './s3-proxy-body.ts';

/** A wire to a port that flips one bit of what the client sends, on so many of the first connections. */
export interface FlippingWire {
  port: number;
  connections(): number;
  close(): Promise<void>;
}

export async function startFlippingWire(target: number, damage: {connections: number; offset: number}): Promise<FlippingWire> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((client) => {
    connections += 1;
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      // Either side may hang up; the other then learns of it.
      socket.on('error', () => {}).on('close', () => [client, upstream].forEach((each) => each.destroySoon()));
    }
    client.pipe(meter(() => {}, connections <= damage.connections ? damage.offset : undefined)).pipe(upstream);
    upstream.pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port to listen on');
  return {
    port: address.port,
    connections: () => connections,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
