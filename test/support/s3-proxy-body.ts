import {once} from 'node:events';
import type {ClientRequest, IncomingMessage} from 'node:http';
import {Transform} from 'node:stream';

/** Passes a body on piece by piece, counts it and may flip one of its bits. @param isWanted asked when that bit comes by */
export function meter(count: (bytes: number) => void, damagedOffset?: number, isWanted: () => boolean = () => true): Transform {
  let position = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const inside = damagedOffset === undefined ? -1 : damagedOffset - position;
      position += chunk.length;
      count(chunk.length);
      if (inside < 0 || inside >= chunk.length || !isWanted()) return done(null, chunk);
      const damaged = Buffer.from(chunk);
      damaged.writeUInt8(damaged.readUInt8(inside) ^ 1, inside);
      return done(null, damaged);
    },
  });
}

/** Passes on the headers and so many bytes of the body, waits until they have left, then ends the connection. */
export async function forwardUntil(
  request: IncomingMessage,
  upstream: ClientRequest,
  limit: number,
  count: (bytes: number) => void,
): Promise<void> {
  // Whether the gateway answers or hangs up no longer matters.
  upstream.on('error', () => {});
  upstream.on('response', (answer) => answer.resume());
  upstream.flushHeaders();
  const [socket] = await once(upstream, 'socket');
  if (socket.connecting) await once(socket, 'connect');
  let left = limit;
  if (left > 0) {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      count(chunk.length);
      const part = chunk.subarray(0, left);
      left -= part.length;
      await new Promise((resolve) => upstream.write(part, resolve));
      if (left <= 0) break;
    }
  }
  upstream.destroy();
}
