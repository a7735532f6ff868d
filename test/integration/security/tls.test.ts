/** To another machine everything is encrypted and certificates are checked; what is switched off is said. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ETLContext } from '../../../src/context/etl-context.ts';
import { addressFrom } from '../../../src/context/neo4j-address.ts';
import { RecordingReporter } from '../../support/context.ts';
import { makeFolder, useFolder } from '../../support/files.ts';
import { runGraphweft } from '../../support/process.ts';

const folder = makeFolder();
afterAll(folder.remove);
const [key, certificate] = [folder.path('key.pem'), folder.path('certificate.pem')];
/** What Bolt begins with, and what TLS does. */
const BOLT = 0x60;
const CLIENT_HELLO = 0x16;

beforeAll(() => {
  // Signed by itself: nobody's authority vouches for it.
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', certificate],
    ],
    { stdio: 'ignore' },
  );
});

const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** Listens, keeps what it is told and hangs up. */
async function listener(isTls: boolean): Promise<{ readonly port: number; readonly heard: Buffer[] }> {
  const heard: Buffer[] = [];
  const hear = (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => {
      heard.push(data);
      socket.destroy();
    });
  };
  const server = isTls
    ? createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, hear)
    : createServer(hear);
  server.on('tlsClientError', () => {});
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { port: (server.address() as AddressInfo).port, heard };
}

async function connect(
  env: Record<string, string>,
): Promise<{ readonly error: unknown; readonly warnings: readonly string[] }> {
  const reporter = new RecordingReporter();
  await using context = new ETLContext({
    env: { NEO4J_PASSWORD: 'not to be heard', ...env },
    reporter,
  });
  const error = await context.neo4j.verify().catch((thrown: unknown) => thrown);
  return { error, warnings: reporter.warnings };
}

describe('a connection to another machine', () => {
  // 0.0.0.0 is this machine, but not by a name that says so.
  it('begins with TLS, and sends nothing else to a server that has none', async () => {
    const { port, heard } = await listener(false);
    const { error, warnings } = await connect({ NEO4J_URI: `bolt://0.0.0.0:${port}` });
    expect(error).toMatchObject({ code: 'GW_NEO4J_UNAVAILABLE' });
    expect((error as Error).message).toContain('NEO4J_DRIVER_ENCRYPTED=ENCRYPTION_OFF');
    expect(heard.length).toBeGreaterThan(0);
    for (const data of heard) {
      expect(data[0]).toBe(CLIENT_HELLO);
      expect(data.includes('not to be heard')).toBe(false);
    }
    expect(warnings).toEqual([]);
  });

  it('is in clear only when that is asked for, and then it is said', async () => {
    const { port, heard } = await listener(false);
    const { warnings } = await connect({
      NEO4J_URI: `bolt://0.0.0.0:${port}`,
      NEO4J_DRIVER_ENCRYPTED: 'ENCRYPTION_OFF',
    });
    expect(heard[0]![0]).toBe(BOLT);
    expect(warnings).toEqual([
      `bolt://0.0.0.0:${port} is spoken to without encryption: password and rows go over the network in clear.`,
    ]);
  });
});

describe('the certificate of a server', () => {
  it.each([
    ['bolt+s', 'localhost', undefined],
    ['bolt', '0.0.0.0', undefined],
    ['bolt+s', 'localhost', '0'], // what Node has to switch checks off does not reach Bolt,
  ])('is checked with %s://%s', async (scheme, host, nodeChecks) => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', nodeChecks);
    const { port, heard } = await listener(true);
    const { error, warnings } = await connect({ NEO4J_URI: `${scheme}://${host}:${port}` });
    expect(error).toMatchObject({ code: 'GW_NEO4J_UNAVAILABLE' });
    expect(heard).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it('is taken when its authority is trusted, without a word', async () => {
    const { port, heard } = await listener(true);
    const { warnings } = await connect({
      NEO4J_URI: `bolt://localhost:${port}`,
      NEO4J_DRIVER_ENCRYPTED: 'ENCRYPTION_ON',
      NEO4J_DRIVER_TRUST: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES',
      NEO4J_DRIVER_TRUSTED_CERTIFICATES: certificate,
    });
    expect(heard[0]![0]).toBe(BOLT);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['bolt+ssc', 'localhost', {}, '+ssc'],
    [
      'bolt',
      '0.0.0.0',
      { NEO4J_DRIVER_TRUST: 'TRUST_ALL_CERTIFICATES' },
      'NEO4J_DRIVER_TRUST=TRUST_ALL_CERTIFICATES',
    ],
  ])(
    'is not looked at with %s://%s only when that is asked for, and then it is said',
    async (scheme, host, more, why) => {
      const { port, heard } = await listener(true);
      const uri = `${scheme}://${host}:${port}`;
      const { warnings } = await connect({ NEO4J_URI: uri, ...more });
      expect(heard[0]![0]).toBe(BOLT);
      const said = `The certificate of ${uri} is not checked (${why}): another server could take its place.`;
      expect(warnings).toEqual([said]);
      const env = { PATH: process.env.PATH, NEO4J_URI: uri, NEO4J_PASSWORD: 'x', ...more };
      for (const args of [['config', 'print'], ['cypher', 'RETURN 1'], ['runs']]) {
        const { stderr } = await runGraphweft(args, { env, cwd: useFolder().path('.') });
        expect(stderr).toContain(`warning: ${said}`);
      }
    },
  );
});

describe('the address of tokens', () => {
  it('is warned of when the secret would go to another machine in clear', async () => {
    const of = async (url: string) =>
      (
        await addressFrom({
          NEO4J_URI: 'bolt://localhost',
          NEO4J_CLIENT_ID: 'me',
          NEO4J_CLIENT_SECRET: 's',
          NEO4J_TOKEN_URL: url,
        })
      ).warnings;
    expect(await of('https://idp.example.org/token')).toBeUndefined();
    expect(await of('http://localhost:8080/token')).toBeUndefined();
    expect(await of('http://idp.example.org/token?x=1')).toEqual([
      'http://idp.example.org/token is asked for tokens without encryption: NEO4J_CLIENT_SECRET goes over the network in clear.',
    ]);
    await expect(of('https://me:s@idp.example.org/token')).rejects.toMatchObject({ code: 'GW_NEO4J_AUTH' });
  });
});
