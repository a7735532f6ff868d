/** Secrets are planted everywhere, and everything that comes out is searched for them. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uniqueLabel } from '../../support/context.ts';
import { type TestFolder, useFolder } from '../../support/files.ts';
import { runGraphweft, runNode } from '../../support/process.ts';
import { ask } from '../../support/runs.ts';

/** Nothing else looks like it, and no encoding of addresses changes it. */
const MARK = 'Zq7planted';
/** With what breaks an address where it is not encoded. */
const SECRET = `${MARK}/?#@:%&"'€ ${MARK}`;
const ENCODED = encodeURIComponent(SECRET);
const SCRIPT = new URL('./say-everything.mjs', import.meta.url).pathname;

const real = () => ({
  uri: process.env.NEO4J_URI!,
  password: process.env.NEO4J_PASSWORD!,
  sql: process.env.POSTGRES_URL!,
});
const sqlWith = (url: string, password: string) => url.replace(/:[^:@]*@/, `:${password}@`);

let tokens: Server;
let tokenUrl: string;
beforeAll(async () => {
  tokens = createServer((request, response) => {
    const isAsked = request.url === '/gives';
    response.writeHead(isAsked ? 200 : 401).end(JSON.stringify({ access_token: SECRET, error: SECRET }));
  });
  await new Promise<void>((done) => tokens.listen(0, '127.0.0.1', done));
  tokenUrl = `http://127.0.0.1:${(tokens.address() as AddressInfo).port}`;
});
afterAll(() => void tokens.close());

/** What a load needs, without any of the ways to sign in. */
function base(folder: TestFolder): Record<string, string | undefined> {
  const { NEO4J_PASSWORD: _, NEO4J_USERNAME: __, ...env } = process.env;
  return {
    ...env,
    SQL_URI: real().sql,
    GRAPHWEFT_DEBUG: '1',
    GRAPHWEFT_INSTRUMENT: 'csv',
    GRAPHWEFT_INSTRUMENT_PATH: folder.path('events.csv'),
    REPORTER_DATABASE: 'neo4j',
  };
}

/** Variables that hold a planted secret, and whether a load with them can come to its end. */
const PLANTED: readonly (readonly [string, () => Record<string, string>])[] = [
  ['a wrong password', () => ({ NEO4J_USERNAME: 'nobody', NEO4J_PASSWORD: SECRET })],
  ['a bearer token', () => ({ NEO4J_BEARER_TOKEN: SECRET })],
  ['a Kerberos ticket', () => ({ NEO4J_KERBEROS_TICKET: SECRET })],
  ['a password in the address', () => ({ NEO4J_URI: real().uri.replace('://', `://neo4j:${ENCODED}@`) })],
  [
    'a password in the address, as it is',
    () => ({ NEO4J_URI: real().uri.replace('://', `://neo4j:${SECRET}@`), NEO4J_PASSWORD: 'x' }),
  ],
  [
    'an address of another kind',
    () => ({ NEO4J_URI: `http://neo4j:${ENCODED}@localhost`, NEO4J_PASSWORD: 'x' }),
  ],
  [
    'an OAuth secret that is refused',
    () => ({
      NEO4J_CLIENT_ID: 'me',
      NEO4J_CLIENT_SECRET: SECRET,
      NEO4J_TOKEN_URL: `${tokenUrl}/refuses?key=${ENCODED}`,
    }),
  ],
  [
    'an OAuth token that the server refuses',
    () => ({ NEO4J_CLIENT_ID: 'me', NEO4J_CLIENT_SECRET: SECRET, NEO4J_TOKEN_URL: `${tokenUrl}/gives` }),
  ],
  [
    'a password in the address of tokens',
    () => ({
      NEO4J_CLIENT_ID: 'me',
      NEO4J_CLIENT_SECRET: SECRET,
      NEO4J_TOKEN_URL: tokenUrl.replace('://', `://me:${ENCODED}@`),
    }),
  ],
  [
    'the password of a key',
    () => ({
      NEO4J_URI: 'bolt+s://localhost:1',
      NEO4J_CLIENT_CERTIFICATE: SCRIPT,
      NEO4J_CLIENT_KEY: SCRIPT,
      NEO4J_CLIENT_KEY_PASSWORD: SECRET,
    }),
  ],
  [
    'a wrong password of PostgreSQL',
    () => ({ NEO4J_PASSWORD: real().password, SQL_URI: sqlWith(real().sql, ENCODED) }),
  ],
  [
    'a wrong password of MariaDB',
    () => ({ NEO4J_PASSWORD: real().password, SQL_URI: sqlWith(process.env.MARIADB_URL!, ENCODED) }),
  ],
  [
    'a SQL password as it is',
    () => ({ NEO4J_PASSWORD: real().password, SQL_URI: sqlWith(real().sql, SECRET) }),
  ],
  [
    'a SQL password with @ alone',
    () => ({ NEO4J_PASSWORD: real().password, SQL_URI: sqlWith(real().sql, `${MARK}@${MARK}`) }),
  ],
  [
    'a SQL password among the parameters of the address',
    () => ({
      NEO4J_PASSWORD: real().password,
      SQL_URI: `postgres://127.0.0.1:1/x?user=me&password=${ENCODED}`,
    }),
  ],
];

/** Fails where a secret is in a text, as it is, encoded, or as a header would have it. */
function expectClean(text: string, secrets: readonly string[]): void {
  for (const secret of secrets) {
    for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]) {
      const at = text.indexOf(form);
      expect(at < 0 ? '' : text.slice(Math.max(0, at - 200), at + 20)).toBe('');
    }
  }
}

describe('a planted secret', () => {
  it.each(PLANTED)('comes out nowhere: %s', async (_what, plant) => {
    const folder = useFolder();
    const label = uniqueLabel('Secret');
    const secrets = [SECRET, MARK, `me:${SECRET}`, `neo4j:${SECRET}`, real().password];
    const env = { ...base(folder), ...plant() };
    const cwd = folder.path('.');
    const load = (reporter: string) =>
      runNode([SCRIPT, label], { env: { ...env, GRAPHWEFT_REPORTER: reporter }, cwd });
    const loads = await Promise.all([load('plain'), load('log')]);
    for (const { stdout, stderr } of loads) expect(stdout + stderr).toMatch(/GW_/);
    const commands = await Promise.all(
      [
        ['config', 'print'],
        ['config', 'print', '--all', '--json', '--debug'],
        ['cypher', 'RETURN 1', '--debug'],
      ].map((args) => runGraphweft(args, { env, cwd })),
    );
    for (const { stdout, stderr } of [...loads, ...commands]) expectClean(stdout + stderr, secrets);
    const events = folder.path('events.csv');
    if (existsSync(events)) expectClean(readFileSync(events, 'utf8'), secrets);
    const kept = await ask("MATCH (t:ETLTask {name: 'planted'}) OPTIONAL MATCH (t)-->(s) RETURN t, s");
    expectClean(JSON.stringify(kept), secrets);
  });

  it('comes out nowhere of a load that succeeds, with everything that can talk talking', async () => {
    const folder = useFolder();
    const label = uniqueLabel('Secret');
    const sqlPassword = /:([^:@]*)@/.exec(real().sql)![1]!;
    const secrets = [real().password, sqlPassword, `neo4j:${real().password}`];
    const env = {
      ...base(folder),
      NEO4J_PASSWORD: real().password,
      NEO4J_DRIVER_LOGGING: 'debug',
      GRAPHWEFT_REPORTER: 'log',
    };
    const run = await runNode([SCRIPT, label], { env });
    expect(run.stdout).toContain('success: true');
    expect(run.stdout + run.stderr).toMatch(/LOGON|HELLO/);
    expectClean(run.stdout + run.stderr, secrets);
    const events = readFileSync(folder.path('events.csv'), 'utf8');
    expect(events).toContain('planted');
    expectClean(events, secrets);
    const kept = await ask("MATCH (t:ETLTask {name: 'planted', status: 'success'}) RETURN t");
    expect(kept.length).toBeGreaterThan(0);
    expectClean(JSON.stringify(kept), secrets);
  });
});
