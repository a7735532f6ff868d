import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import neo4j from 'neo4j-driver';
import { afterEach, describe, expect, it } from 'vitest';
import { addressFrom } from '../../../src/context/neo4j-address.ts';
import { GraphweftError } from '../../../src/core/errors.ts';
import { Neo4jConnection } from '../../../src/neo4j/connection.ts';
import { clientCredentialsManager } from '../../../src/neo4j/oauth-token-manager.ts';

const SECRET = 'planted-secret';
let server: Server | undefined;
const requests: { readonly authorization: string | undefined; readonly body: string }[] = [];

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  requests.length = 0;
});

async function tokenServer(answer: (response: ServerResponse, count: number) => void): Promise<string> {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (data: Buffer) => {
      body += data.toString();
    });
    request.on('end', () => {
      requests.push({ authorization: request.headers.authorization, body });
      answer(response, requests.length);
    });
  });
  await new Promise<void>((done) => server!.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
}

const json =
  (value: unknown, status = 200) =>
  (response: ServerResponse) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));

const manager = (tokenUrl: string) =>
  clientCredentialsManager({ clientId: 'me', clientSecret: SECRET, tokenUrl, scope: 'graph' });

describe('OAuth2 client credentials', () => {
  it('asks once for many waiters, keeps the token, and renews it before it expires', async () => {
    const url = await tokenServer((response, count) =>
      json({ access_token: `t${count}`, expires_in: 1 })(response),
    );
    const tokens = manager(url);
    const first = await Promise.all([tokens.getToken(), tokens.getToken(), tokens.getToken()]);
    expect(first.map(({ credentials }) => credentials)).toEqual(['t1', 't1', 't1']);
    expect(requests).toHaveLength(1);
    expect(requests[0]!.body).toBe('grant_type=client_credentials&scope=graph');
    expect(requests[0]!.authorization).toBe(`Basic ${Buffer.from(`me:${SECRET}`).toString('base64')}`);
    await new Promise((done) => setTimeout(done, 950)); // nine tenths of its life
    expect((await tokens.getToken()).credentials).toBe('t2');
    expect(requests).toHaveLength(2);
  });

  it.each([
    [
      'refuses the client',
      json({ error: 'invalid_client' }, 401),
      /refused NEO4J_CLIENT_ID or NEO4J_CLIENT_SECRET/,
    ],
    ['is broken', json({}, 500), /status 500/],
    ['speaks no JSON', (response: ServerResponse) => response.end('<html>'), /no JSON/],
    ['gives no token', json({ token: 'x' }), /no access_token/],
    ['hangs up', (response: ServerResponse) => response.destroy(), /gave no token/],
  ])('says in one sentence that the token server %s', async (_, answer, message) => {
    const url = await tokenServer(answer);
    const error = await Promise.resolve(manager(url).getToken()).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(GraphweftError);
    expect(error).toMatchObject({ code: 'GW_NEO4J_TOKEN', message: expect.stringMatching(message) });
    expect(JSON.stringify(error)).not.toContain(SECRET);
  });

  it('is what a connection says, when it cannot sign in', async () => {
    const url = await tokenServer(json({}, 401));
    const env = {
      NEO4J_URI: process.env.NEO4J_URI,
      NEO4J_CLIENT_ID: 'me',
      NEO4J_CLIENT_SECRET: SECRET,
      NEO4J_TOKEN_URL: url,
    };
    await using connection = new Neo4jConnection(() => addressFrom(env));
    const error = await connection.verify().catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'GW_NEO4J_TOKEN' });
  });

  it('comes to the server as a bearer token', async () => {
    const url = await tokenServer(json({ access_token: 'planted-token', expires_in: 60 }));
    const env = {
      NEO4J_URI: process.env.NEO4J_URI,
      NEO4J_CLIENT_ID: 'me',
      NEO4J_CLIENT_SECRET: SECRET,
      NEO4J_TOKEN_URL: url,
    };
    const { auth } = await addressFrom(env);
    expect(await (auth as ReturnType<typeof manager>).getToken()).toEqual(neo4j.auth.bearer('planted-token'));
    // Community has no single sign-on, so a bearer token is refused there, in one sentence and without the token.
    await using connection = new Neo4jConnection(() => addressFrom(env));
    const error = await connection.verify().catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'GW_NEO4J_AUTH' });
    expect(JSON.stringify(error)).not.toContain('planted-token');
  });
});
