import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { startDelayingProxy } from '../../../bench/latency/delaying-proxy.ts';

const ROUND_TRIP_MS = 40;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Starts a server and a proxy before it, and connects through the proxy. */
async function through(onConnection: (socket: Socket) => void): Promise<Socket> {
  const server = createServer({ allowHalfOpen: true }, onConnection).listen(0, '127.0.0.1');
  closers.unshift(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy = await startDelayingProxy({ port, roundTripMs: ROUND_TRIP_MS });
  closers.unshift(() => proxy.close());
  const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const data of socket) text += String(data);
  return text;
}

describe('startDelayingProxy', () => {
  it('adds a round trip to an answer', async () => {
    const socket = await through((peer) => peer.pipe(peer));
    const started = performance.now();
    socket.write('ping');
    await once(socket, 'data');
    expect(performance.now() - started).toBeGreaterThanOrEqual(ROUND_TRIP_MS - 1);
    socket.destroy();
  });

  it('delays what is sent one after the other only once, in order and to the end', async () => {
    const socket = await through((peer) => peer.pipe(peer));
    const started = performance.now();
    const sent = Array.from({ length: 200 }, (_, i) => `${i} `);
    for (const word of sent) {
      socket.write(word);
      await sleep(0);
    }
    socket.end();
    expect(await textOf(socket)).toBe(sent.join(''));
    expect(performance.now() - started).toBeLessThan(sent.length * ROUND_TRIP_MS);
  });

  it('stops the sender when the receiver takes nothing in', async () => {
    const total = 128 * 1024 * 1024;
    let receiver: Socket | undefined;
    const socket = await through((peer) => {
      receiver = peer.pause();
    });
    const block = Buffer.alloc(1024 * 1024);
    let handedOver = 0;
    const sending = (async () => {
      for (; handedOver < total; handedOver += block.length)
        if (!socket.write(block)) await once(socket, 'drain');
      socket.end();
    })();
    await sleep(1_000);
    expect(handedOver).toBeLessThan(total);
    let received = 0;
    for await (const data of receiver!) received += (data as Buffer).length;
    await sending;
    expect(received).toBe(total);
    socket.destroy();
  });

  it('closes one side when the other one breaks off', async () => {
    const socket = await through((peer) => peer.resetAndDestroy());
    socket.resume();
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
  });
});
