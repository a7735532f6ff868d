/**
 * A TCP proxy on the loopback address that holds back what it carries, in each direction by half a round trip: a network
 * with a long way and all the bandwidth that is asked for. Bytes keep their order, and so does the end of a stream. A
 * side that takes nothing in stops the other one (back-pressure) once as much is under way as a long wire would hold.
 */
import { connect, createServer, type Socket } from 'node:net';

export interface DelayingProxyOptions {
  /** Port on the loopback address that is forwarded to. */
  readonly port: number;
  /** What is added to a round trip, in ms. */
  readonly roundTripMs: number;
}

export interface DelayingProxy extends AsyncDisposable {
  /** Port on the loopback address. */
  readonly port: number;
  close(): Promise<void>;
}

/** 10 ms of a wire with 25 Gbit/s: never what limits a load here. */
const MAX_UNDERWAY_BYTES = 32 * 1024 * 1024;

export async function startDelayingProxy(options: DelayingProxyOptions): Promise<DelayingProxy> {
  const delayMs = options.roundTripMs / 2;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port: options.port, allowHalfOpen: true });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true); // Nagle's algorithm would add a delay of its own
      // What is under way is lost with the connection, as on a wire; an orderly end travels with the bytes.
      socket.on('error', () => other.resetAndDestroy());
      socket.on('close', () => sockets.delete(socket));
      carry(socket, other, delayMs);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const close = (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  return { port: address.port, close, [Symbol.asyncDispose]: close };
}

/** Bytes, or the end of the stream, and when they are to arrive. */
interface Parcel {
  readonly dueAt: number;
  readonly bytes: Buffer | undefined;
}

/** Carries one direction. Parcels leave in the order in which they came, each not before it is due. */
function carry(from: Socket, to: Socket, delayMs: number): void {
  const underway: Parcel[] = [];
  let underwayBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  let isBlocked = false;
  const deliver = (): void => {
    timer = undefined;
    while (underway.length > 0 && !isBlocked) {
      const waitMs = underway[0]!.dueAt - performance.now();
      if (waitMs > 0) {
        timer = setTimeout(deliver, waitMs);
        return;
      }
      const { bytes } = underway.shift()!;
      if (!bytes) {
        to.end();
        continue;
      }
      underwayBytes -= bytes.length;
      if (underwayBytes < MAX_UNDERWAY_BYTES) from.resume();
      isBlocked = !to.write(bytes);
    }
  };
  const send = (bytes: Buffer | undefined): void => {
    underway.push({ dueAt: performance.now() + delayMs, bytes });
    underwayBytes += bytes?.length ?? 0;
    if (underwayBytes >= MAX_UNDERWAY_BYTES) from.pause();
    if (timer === undefined && !isBlocked) deliver();
  };
  to.on('drain', () => {
    isBlocked = false;
    if (timer === undefined) deliver();
  });
  from.on('data', send);
  from.on('end', () => send(undefined));
  to.on('close', () => clearTimeout(timer));
}
