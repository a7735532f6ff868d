/**
 * A proxy between client and server that breaks connections at the moments that hurt. It reads along in the client's
 * Bolt messages only as far as to know a COMMIT: one chunk of two bytes, a structure without fields with signature 0x12.
 * @see https://neo4j.com/docs/bolt/current/bolt/message/
 */
import { connect, createServer, type Socket } from 'node:net';

export const FAULTS = ['none', 'delay', 'cut', 'cut-before-commit', 'swallow-commit'] as const;
/**
 * `delay`: what is sent waits for a while; `cut`: the connection breaks at any moment; `cut-before-commit`: the server
 * never gets the COMMIT; `swallow-commit`: it does, and its answer is lost with the connection.
 */
export type Fault = (typeof FAULTS)[number];

export interface FaultProxyOptions {
  /** Port of the server on the loopback address. */
  readonly port: number;
  /** Says what happens to a message of the client. */
  readonly faultOf: (message: 'commit' | 'other') => Fault;
  readonly delayMs?: number;
}

export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** How often each fault was made. */
  readonly counts: Readonly<Record<Fault, number>>;
}

const COMMIT = Buffer.from([0x00, 0x02, 0xb0, 0x12, 0x00, 0x00]);
/** Enough for a commit on this machine to be done before the connection ends. */
const SWALLOW_MS = 300;

export async function startFaultProxy({
  port,
  faultOf,
  delayMs = 50,
}: FaultProxyOptions): Promise<FaultProxy> {
  const counts = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<Fault, number>;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    let isMute = false;
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', cut);
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
    let turn = Promise.resolve();
    client.on('data', (data: Buffer) => {
      client.pause(); // one piece after the other, also while one is held back
      const isCommit = data.includes(COMMIT);
      const fault = faultOf(isCommit ? 'commit' : 'other');
      counts[fault]++;
      turn = turn.then(async () => {
        if (fault === 'cut' || fault === 'cut-before-commit') return cut();
        if (fault === 'delay') await sleep(delayMs);
        if (fault === 'swallow-commit') {
          isMute = true;
          setTimeout(cut, SWALLOW_MS);
        }
        if (!upstream.destroyed) upstream.write(data);
        client.resume();
      });
    });
    upstream.on('data', (data: Buffer) => {
      if (isMute || client.destroyed) return;
      if (!client.write(data)) {
        upstream.pause();
        client.once('drain', () => upstream.resume());
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address() as { readonly port: number };
  return {
    port: address.port,
    counts,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
