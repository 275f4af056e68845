import {createConnection, createServer, type Server} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import {checkoutId} from './paths.ts';

// A socket in Linux's abstract namespace: the kernel drops it with the process that holds it, so no kill can leave a
// stale lock behind.
const address = `\0timetiles-bench-${checkoutId}`;

/** Makes this process the only user of the checkout's bench, and hands back the release. */
export async function lockBench(limitMilliseconds: number): Promise<() => Promise<void>> {
  const end = Date.now() + limitMilliseconds;
  let told = false;
  for (;;) {
    const server = await listen();
    if (server) return () => new Promise((resolve) => server.close(() => resolve()));
    const holder = await askHolder();
    if (Date.now() >= end) {
      throw new Error(`The bench of this checkout is in use by ${holder}. End that run or wait for it, then try again.`);
    }
    if (!told) console.error(`The bench of this checkout is in use by ${holder}: waiting for it to finish …`);
    told = true;
    await sleep(1000);
  }
}

function listen(): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(`process ${process.pid} (${process.argv.slice(1, 3).join(' ')})`);
    });
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    // The lock must not keep a finished script from ending.
    server.listen(address, () => resolve(server.unref()));
  });
}

function askHolder(): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = createConnection(address);
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('data', (data) => (answer += data.toString()));
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer || 'another process'));
  });
}
