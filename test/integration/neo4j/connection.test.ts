import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ETLContext } from '../../../src/context/etl-context.ts';
import { subscribeToEvents } from '../../../src/core/events.ts';
import { SILENT_REPORTER } from '../../../src/core/reporter.ts';
import { useServer } from '../../support/context.ts';
import { useFolder } from '../../support/files.ts';

const server = useServer();
const PASSWORD = 'not-the-password-7c1f';

function contextWith(env: Readonly<Record<string, string>>): ETLContext {
  return new ETLContext({ env, reporter: SILENT_REPORTER });
}

async function failureOf(
  context: ETLContext,
  cypher = 'RETURN 1',
): Promise<{ code?: string; message: string; stack?: string }> {
  try {
    await context.neo4j.query(cypher);
  } catch (error) {
    return error as { code?: string; message: string };
  } finally {
    await context.close();
  }
  throw new Error('the statement should have failed');
}

describe('Neo4jConnection', () => {
  it('gives rows as plain objects, columns also where there are no rows, and counters', async () => {
    const { neo4j } = server.context();
    expect(
      await neo4j.query('RETURN $n AS n, [1, 2.5, null] AS list, {a: 9007199254740993} AS map', { n: 3 }),
    ).toEqual({
      rows: [{ n: 3, list: [1, 2.5, null], map: { a: 9007199254740993n } }],
      columns: ['n', 'list', 'map'],
      statistics: {},
    });
    expect(await neo4j.query('UNWIND [] AS x RETURN x, x AS y')).toEqual({
      rows: [],
      columns: ['x', 'y'],
      statistics: {},
    });
  });

  it('ends what waits for an answer when it is closed, and opens again for what comes later', async () => {
    const { neo4j } = server.context();
    await neo4j.query('RETURN 1');
    const long = 'UNWIND range(1, 1000000000) AS n RETURN count(n) AS n';
    const waiting = Promise.allSettled([
      neo4j.query(long),
      neo4j.write(long, {}),
      ...Array.from({ length: 12 }, () => neo4j.repeatable(long)),
    ]);
    await sleep(200);
    await neo4j.close();
    for (const end of await waiting) expect(end).toMatchObject({ reason: { code: 'GW_ABORTED' } });
    expect((await neo4j.query('RETURN 1 AS n')).rows).toEqual([{ n: 1 }]);
  }, 30_000);

  it('finds out how far the server is with one question, also for loads that begin side by side', async () => {
    const { neo4j } = server.context();
    let asked = 0;
    const unsubscribe = subscribeToEvents({
      transaction: ({ event }) => {
        if (event === 'transaction:end') asked++;
      },
    });
    try {
      await Promise.all(Array.from({ length: 14 }, () => neo4j.verify()));
      expect(asked).toBe(1);
      await neo4j.verify();
      expect(asked).toBe(2);
    } finally {
      unsubscribe();
    }
  });

  it('opens nothing before something is asked of it, and can be closed without having been used', async () => {
    let connections = 0;
    const listener = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((ready) => listener.listen(0, '127.0.0.1', ready));
    const { port } = listener.address() as { port: number };
    const context = contextWith({ NEO4J_URI: `bolt://127.0.0.1:${port}`, NEO4J_PASSWORD: PASSWORD });
    expect(context.neo4j).toBeDefined();
    await context.close();
    expect(connections).toBe(0);
    await new Promise((done) => listener.close(done));
  });

  it('names a wrong password without showing it', async () => {
    const uri = (await server.context().neo4j.address()).uri;
    const error = await failureOf(contextWith({ NEO4J_URI: uri, NEO4J_PASSWORD: PASSWORD }));
    expect(error.code).toBe('GW_NEO4J_AUTH');
    expect(error.message).toMatch(/^Wrong credentials for user "neo4j" at bolt:/);
    expect(JSON.stringify(error) + error.message + error.stack).not.toContain(PASSWORD);
  });

  it('speaks of no password where a token is refused', async () => {
    const uri = (await server.context().neo4j.address()).uri;
    const error = await failureOf(contextWith({ NEO4J_URI: uri, NEO4J_BEARER_TOKEN: 'no token' }));
    expect(error.code).toBe('GW_NEO4J_AUTH');
    expect(error.message).toMatch(/^The server at bolt:\S+ lets nobody in with this token or certificate: /);
  });

  it('names a server that is away, an address that is none, a missing password and a missing database', async () => {
    const away = await failureOf(contextWith({ NEO4J_URI: 'bolt://127.0.0.1:1', NEO4J_PASSWORD: 'x' }));
    expect(away).toMatchObject({
      code: 'GW_NEO4J_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    const nowhere = await failureOf(contextWith({ NEO4J_URI: 'localhost', NEO4J_PASSWORD: 'x' }));
    expect(nowhere).toMatchObject({
      code: 'GW_CONFIG_OPTION',
      message: expect.stringContaining('"localhost" is no address'),
    });
    const secretless = await failureOf(contextWith({ NEO4J_URI: 'bolt://127.0.0.1:1' }));
    expect(secretless).toMatchObject({
      code: 'GW_NEO4J_AUTH',
      message: expect.stringContaining('NEO4J_PASSWORD is not set'),
    });
    const env = process.env as Record<string, string>;
    const { NEO4J_URI, NEO4J_PASSWORD, NEO4J_USERNAME } = env;
    const other = {
      NEO4J_URI,
      NEO4J_PASSWORD,
      NEO4J_USERNAME: NEO4J_USERNAME ?? 'neo4j',
      NEO4J_DATABASE: 'nope',
    };
    const missing = await failureOf(contextWith(other as Record<string, string>));
    expect(missing).toMatchObject({
      code: 'GW_NEO4J_DATABASE',
      message: expect.stringContaining('"nope" is not available'),
    });
    const system = await failureOf(
      contextWith({ ...other, NEO4J_DATABASE: 'system' } as Record<string, string>),
    );
    expect(system).toMatchObject({
      code: 'GW_NEO4J_DATABASE',
      message: expect.stringMatching(
        /^Database "system" takes .* name another one, most often in NEO4J_DATABASE\. \(.+\)$/,
      ),
    });
  });

  it('says what to do where no database is known', async () => {
    const folder = useFolder();
    const error = await failureOf(contextWith({ GRAPHWEFT_NEO4J_DATA: folder.path('none') }));
    expect(error.code).toBe('GW_CONFIG_NO_DATABASE');
    expect(error.message).toContain('npx graphweft neo4j start');
  });
});
