import { spawnSync } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { uniqueLabel, useServer } from '../support/context.ts';
import { useFolder } from '../support/files.ts';
import { ROOT, runGraphweft } from '../support/process.ts';

const SECRET = 'planted-secret-91d2';
const server = useServer();

describe('graphweft', () => {
  it('explains itself', async () => {
    const { exitCode, stdout } = await runGraphweft(['--help']);
    expect(exitCode).toBe(0);
    for (const word of ['neo4j', 'cypher', 'NEO4J_URI', 'Examples:']) expect(stdout).toContain(word);
    expect((await runGraphweft(['neo4j', 'start', '--help'])).stdout).toContain('--bolt-port');
    expect((await runGraphweft(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('prints a table, parameters in, counters out', async () => {
    const { exitCode, stdout, stderr } = await runGraphweft([
      'cypher',
      'UNWIND range(1, $n) AS id RETURN id, $name AS name, {at: [id, null]} AS map',
      '--param',
      'n=2',
      '-p',
      'name=O’Hare',
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(stdout.split('\n').map((line) => line.trim())).toEqual([
      '┌────┬────────┬─────────────────┐',
      '│ id │ name   │ map             │',
      '├────┼────────┼─────────────────┤',
      '│  1 │ O’Hare │ {at: [1, null]} │',
      '│  2 │ O’Hare │ {at: [2, null]} │',
      '└────┴────────┴─────────────────┘',
      '2 rows',
      '',
    ]);
    const json = await runGraphweft(['cypher', '--json', 'RETURN 9007199254740993 AS big, 1 AS one']);
    expect(json.stdout).toBe('{"big":"9007199254740993","one":1}\n');
  });

  it('prints values as files of rejected rows have them', async () => {
    const label = uniqueLabel('Value');
    await server.context().neo4j.query(`CREATE (:${label} {day: date('2024-01-31'), bytes: $bytes, n: 1})`, {
      bytes: new Uint8Array([0, 255]),
    });
    const values = `MATCH (v:${label}) RETURN v.bytes AS bytes, [datetime('2024-01-31T10:00[Europe/Berlin]')] AS at,
      duration('P1DT2S') AS long, {day: v.day} AS map, 0.0/0.0 AS nan, -1/0.0 AS infinite`;
    const json = await runGraphweft(['cypher', '--json', values]);
    expect(json.stderr).toBe('');
    expect(JSON.parse(json.stdout)).toEqual({
      bytes: 'AP8=',
      at: ['2024-01-31T10:00:00+01:00[Europe/Berlin]'],
      long: 'P0M1DT2S',
      map: { day: '2024-01-31' },
      nan: 'NaN',
      infinite: '-Infinity',
    });
    expect((await runGraphweft(['cypher', values])).stdout).toMatch(/^│ AP8= +│ \[2024-01-31T10:00:00/m);
    const node = await runGraphweft(['cypher', '--json', `MATCH (v:${label}) RETURN v`]);
    expect(JSON.parse(node.stdout)).toMatchObject({
      v: { labels: [label], properties: { day: '2024-01-31', bytes: 'AP8=', n: 1 } },
    });
  });

  it('refuses a blank statement, a folder and a file that is not there in one sentence', async () => {
    const folder = useFolder();
    for (const [args, exitCode, message] of [
      [['cypher', ' '], 2, '`statement` must be a non-blank string'],
      [['rejected', 'show', folder.path('.')], 1, 'cannot be read: it is a folder (GW_SOURCE_MISSING)'],
      [['rejected', 'retry', folder.path('no.jsonl')], 1, 'no.jsonl. (GW_SOURCE_MISSING)'],
    ] as const) {
      const result = await runGraphweft([...args]);
      expect(result).toMatchObject({ exitCode, stderr: expect.stringContaining(message) });
    }
  });

  it('ends well when nobody reads on, as `head` does', async () => {
    const result = await runGraphweft(['cypher', '--json', 'UNWIND range(1, 100000) AS n RETURN n'], {
      onStart: (child) => child.stdout!.once('data', () => child.stdout!.destroy()),
    });
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it.skipIf(!existsSync('/dev/full'))('says that its output cannot be kept, as on a full disk', () => {
    const { status, stderr } = spawnSync(process.execPath, [`${ROOT}/bin/graphweft.js`, '--help'], {
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
      encoding: 'utf8',
    });
    expect(stderr).toMatch(/^graphweft: The output cannot be written: ENOSPC[^\n]* \(GW_SINK_FILE\)\n$/);
    expect(status).toBe(1);
  });

  it('takes integers beyond 2^53 as they are, and says which parameter cannot be sent', async () => {
    const big = await runGraphweft([
      'cypher',
      '--json',
      'RETURN $big + 0 AS big',
      '-p',
      'big=9007199254740993',
    ]);
    expect(big.stdout).toBe('{"big":"9007199254740993"}\n');
    const tooBig = await runGraphweft(['cypher', 'RETURN $n', '-p', 'n=9223372036854775808']);
    expect(tooBig.stderr).toBe(
      'graphweft: In parameter `n`: the integer 9223372036854775808 cannot be sent without loss: Neo4j integers have 64 bits. (GW_VALUE_INTEGER)\n',
    );
  });

  it.each([
    ['an unknown command', ['frobnicate'], {}, 2, "unknown command 'frobnicate'"],
    ['an unknown flag', ['cypher', 'RETURN 1', '--jsn'], {}, 2, 'Did you mean --json?'],
    ['a missing argument', ['cypher'], {}, 2, "missing required argument 'statement'"],
    ['a bad parameter', ['cypher', 'RETURN 1', '-p', 'x'], {}, 2, 'Option `--param` must be name=value'],
    ['a syntax error', ['cypher', 'RETRN 1'], {}, 2, '(GW_NEO4J_SYNTAX)'],
    ['a wrong password', ['cypher', 'RETURN 1'], { NEO4J_PASSWORD: SECRET }, 2, '(GW_NEO4J_AUTH)'],
    [
      'a server that is away',
      ['cypher', 'RETURN 1'],
      { NEO4J_URI: 'bolt://127.0.0.1:1', NEO4J_PASSWORD: SECRET },
      1,
      'No answer from the server at bolt://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1. Is it running, and is NEO4J_URI right? (GW_NEO4J_UNAVAILABLE)',
    ],
    [
      'a cluster that is away',
      ['cypher', 'RETURN 1'],
      { NEO4J_URI: 'neo4j://127.0.0.1:1', NEO4J_PASSWORD: SECRET },
      1,
      'No answer from the server at neo4j://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1. Is it',
    ],
    [
      'a bad port',
      ['neo4j', 'start', '--bolt-port', 'x'],
      {},
      2,
      'Option `--bolt-port` must be an integer from 1 to 65535',
    ],
    [
      'a bad version',
      ['neo4j', 'start', '--version', '4.4'],
      {},
      2,
      'Option `version` must be a release of Neo4j',
    ],
  ])(
    'says what is wrong with %s, in one sentence and without a stack',
    async (_what, args, env, exitCode, message) => {
      const ended = await runGraphweft(args, { env: { ...process.env, ...env } });
      expect(ended.exitCode).toBe(exitCode);
      expect(ended.stderr).toContain(message);
      expect(ended.stderr).not.toMatch(/^\s+at /m);
      expect(ended.stdout + ended.stderr).not.toContain(SECRET);
    },
  );

  it('shows the stack with --debug', async () => {
    const { stderr } = await runGraphweft(['cypher', 'RETRN 1', '--debug']);
    expect(stderr).toMatch(/^\s+at /m);
  });

  it('says where no database is known, and that no server runs', async () => {
    const { NEO4J_URI: _, ...env } = process.env;
    const place = { env: { ...env, GRAPHWEFT_NEO4J_DATA: useFolder().path('none') } };
    const cypher = await runGraphweft(['cypher', 'RETURN 1'], place);
    expect(cypher.exitCode).toBe(2);
    expect(cypher.stderr).toContain('npx graphweft neo4j start');
    const status = await runGraphweft(['neo4j', 'status', '--json'], place);
    expect(status.exitCode).toBe(1);
    expect(JSON.parse(status.stdout)).toMatchObject({ state: 'stopped' });
    expect((await runGraphweft(['neo4j', 'stop'], place)).stdout).toBe('Neo4j was not running.\n');
  });
});

it('takes from .env what its other commands take, too', async () => {
  const { PATH, NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD } = process.env;
  const folder = useFolder();
  const lines = {
    NEO4J_URI,
    NEO4J_USERNAME,
    NEO4J_PASSWORD,
    GRAPHWEFT_NEO4J_DATA: 'mine',
    GRAPHWEFT_DEBUG: 1,
  };
  folder.write(
    '.env',
    Object.entries(lines)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const place = { env: { PATH }, cwd: folder.path('.') };
  expect(await runGraphweft(['runs', 'unfinished'], place)).toMatchObject({ exitCode: 0, stderr: '' });
  const status = await runGraphweft(['neo4j', 'status', '--json'], place);
  expect(JSON.parse(status.stdout)).toMatchObject({ state: 'stopped', dataDir: folder.path('mine') });
  expect((await runGraphweft(['cypher', 'RETRN 1'], place)).stderr).toMatch(/^\s+at /m);
});

describe('graphweft config print', () => {
  const env = { PATH: process.env.PATH, GRAPHWEFT_NEO4J_DATA: '/nowhere' };

  it('shows what is set and where from, with every secret masked', async () => {
    const folder = useFolder();
    folder.write(
      '.env',
      `NEO4J_PASSWORD=${SECRET}\nSQL_URI=postgres://me:${SECRET}@db/x\nNEO4J_USERNAME=ada\n`,
    );
    const set = { ...env, NEO4J_URI: 'bolt://127.0.0.1:1', NEO4J_CLIENT_KEY_PASSWORD: SECRET };
    const { exitCode, stdout, stderr } = await runGraphweft(['config', 'print'], {
      env: set,
      cwd: folder.path('.'),
    });
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/NEO4J_URI\s+│ bolt:\/\/127.0.0.1:1\s+│ environment/);
    expect(stdout).toMatch(/NEO4J_USERNAME\s+│ ada\s+│ \.env/);
    expect(stdout).toMatch(/SQL_URI\s+│ postgres:\/\/me:••••••@db\/x\s+│ \.env/);
    expect(stdout).not.toContain(SECRET);
    const json = await runGraphweft(['config', 'print', '--json'], { env: set, cwd: folder.path('.') });
    expect(json.stdout).not.toContain(SECRET);
    const all = JSON.parse(json.stdout) as { name: string; value: string | null; from: string }[];
    expect(all).toContainEqual(expect.objectContaining({ name: 'NEO4J_DRIVER_FETCH_SIZE', from: 'default' }));
    const agent = all.find(({ name }) => name === 'NEO4J_DRIVER_USER_AGENT');
    expect(agent).toMatchObject({ value: 'graphweft', from: 'default' });
    expect(all).toContainEqual(
      expect.objectContaining({ name: 'NEO4J_PASSWORD', value: '••••••', from: '.env' }),
    );
  });

  it('says what is wrong with a driver option, and with two ways to sign in', async () => {
    const cwd = useFolder().path('.');
    const base = { ...env, NEO4J_URI: 'bolt://127.0.0.1:1', NEO4J_PASSWORD: SECRET };
    const slip = await runGraphweft(['config', 'print'], {
      env: { ...base, NEO4J_DRIVER_FETCHSIZE: '1' },
      cwd,
    });
    expect(slip.exitCode).toBe(2);
    expect(slip.stderr).toContain('did you mean NEO4J_DRIVER_FETCH_SIZE?');
    const two = await runGraphweft(['config', 'print'], {
      env: { ...base, NEO4J_BEARER_TOKEN: SECRET },
      cwd,
    });
    expect(two.exitCode).toBe(2);
    expect(two.stderr).toContain('NEO4J_PASSWORD and NEO4J_BEARER_TOKEN are both set');
    expect(two.stderr + two.stdout).not.toContain(SECRET);
  });

  it('says that nothing is set', async () => {
    const { stdout } = await runGraphweft(['config', 'print'], {
      env: { PATH: process.env.PATH },
      cwd: useFolder().path('.'),
    });
    expect(stdout).toBe('Nothing is set; --all shows what can be.\n');
  });
});
