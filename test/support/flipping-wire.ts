import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';
import {meter} from './s3-proxy-body.ts';

/** A wire to a port that flips one bit of what the client sends, on so many of the first connections that carry so much. */
export interface FlippingWire {
  port: number;
  /** How many bits it has flipped. */
  flipped(): number;
  close(): Promise<void>;
}

export async function startFlippingWire(target: number, damage: {connections: number; offset: number}): Promise<FlippingWire> {
  const sockets = new Set<Socket>();
  let flipped = 0;
  const isWanted = () => {
    if (flipped === damage.connections) return false;
    flipped += 1;
    return true;
  };
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      // Either side may hang up; the other then learns of it.
      socket.on('error', () => {}).on('close', () => [client, upstream].forEach((each) => each.destroySoon()));
    }
    client.pipe(meter(() => {}, damage.offset, isWanted)).pipe(upstream);
    upstream.pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port to listen on');
  return {
    port: address.port,
    flipped: () => flipped,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
