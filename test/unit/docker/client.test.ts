import {createServer, type Socket} from 'node:net';
import {join} from 'node:path';
import {expect, onTestFinished, test} from 'vitest';
import {connectDocker} from '../../../src/docker/client.ts';
import {inspectContainer} from '../../../src/docker/containers.ts';
import {problem, temporaryDirectory, thrownBy} from '../support.ts';

/** An engine of which nothing but the socket works. */
async function engineThat(answer: (socket: Socket) => void) {
  const path = join(temporaryDirectory(), 'docker.sock');
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).once('data', () => answer(socket)).once('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return {docker: await connectDocker({DOCKER_HOST: path}), open};
}

const halfAnAnswer = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"Id":';

test.each([
  ['does not answer', () => undefined],
  ['begins an answer and says no more', (socket: Socket) => void socket.write(halfAnAnswer)],
  ['dies in the middle of an answer', (socket: Socket) => void socket.end(halfAnAnswer)],
])('a call to an engine that %s ends, and so does its connection', async (_, answer) => {
  const {docker, open} = await engineThat(answer);
  const begin = Date.now();
  expect(await thrownBy(() => inspectContainer({...docker, limit: 300}, 'db'))).toMatchObject(problem('docker', `Docker does not answer at ${docker.host} (no answer within 0.3 seconds)`, 'systemctl restart docker'));
  expect(Date.now() - begin).toBeLessThan(5000);
  await expect.poll(() => open.size).toBe(0);
});
