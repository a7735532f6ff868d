/**
 * What sharing a hub brings: a star, whose hub has 60 % of all ends, loaded with the hub's bucket claimed and shared, in
 * turn; on the spot, and over a network that takes its time.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type EmbeddedServer,
  ETLContext,
  type HubKind,
  keyBucket,
  node,
  ParallelCSVLoad2Neo4jTask,
  relationship,
  SILENT_REPORTER,
  subscribeToEvents,
} from 'graphweft';
import { mulberry32 } from '../../test/support/ratings.ts';
import { startDelayingProxy } from '../latency/delaying-proxy.ts';
import { wipe } from '../support/bench-server.ts';
import { median } from '../support/figures.ts';
import { textTable } from '../support/text-table.ts';

interface Run {
  readonly seconds: number;
  /** Cells of the hub's bucket at work, on average over the load. */
  readonly hubCells: number;
  readonly retries: number;
}

const HUB_SHARE = 0.6;
const NODES = 20_000;
const WORKERS = 4;
const TABLE_SIZE = 2 * WORKERS;
const BATCH_ROWS = 1_000;
/** One way; a round trip takes twice that. */
const DELAYS_MS = [0, 20] as const;

export async function benchHubs(
  server: EmbeddedServer,
  rows: number,
  rounds: number,
  seed: number,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'graphweft-hubs-'));
  const file = join(folder, 'star.csv');
  writeFileSync(file, starLines(rows, seed));
  const table = textTable([
    'round trip, ms',
    'hub',
    'seconds, median',
    'all',
    'cells of the hub at once',
    'retries',
  ]);
  const ratios: string[] = [];
  try {
    await load(server, file, 'claim'); // warms up
    for (const delayMs of DELAYS_MS) {
      await using proxy = await startDelayingProxy({ port: server.boltPort, roundTripMs: 2 * delayMs });
      const slowed = delayMs === 0 ? server : { ...server, uri: `bolt://127.0.0.1:${proxy.port}` };
      const runs: Record<HubKind, Run[]> = { claim: [], share: [] };
      for (let round = 0; round < rounds; round++) {
        const order: readonly HubKind[] = round % 2 === 0 ? ['claim', 'share'] : ['share', 'claim'];
        for (const hubs of order) runs[hubs].push(await load(slowed, file, hubs));
      }
      for (const hubs of ['claim', 'share'] as const) {
        const seconds = runs[hubs].map((run) => run.seconds);
        table.push([
          2 * delayMs,
          hubs,
          median(seconds).toFixed(2),
          seconds.map((s) => s.toFixed(2)).join(' '),
          runs[hubs].map(({ hubCells }) => hubCells.toFixed(1)).join(' '),
          runs[hubs].map(({ retries }) => retries).join(' '),
        ]);
      }
      const pairs = runs.claim.map(({ seconds }, i) => seconds / runs.share[i]!.seconds);
      ratios.push(
        `round trip ${2 * delayMs} ms: ${median(pairs).toFixed(2)} (${pairs.map((r) => r.toFixed(2)).join(' ')})`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  process.stdout.write(
    `${rows.toLocaleString('en-US')} rows, ${100 * HUB_SHARE} % of them on the hub, ${WORKERS} workers, batches of ` +
      `${BATCH_ROWS}, seed ${seed}\n${table.toString()}\nclaimed / shared, pair by pair: ${ratios.join('; ')}\n`,
  );
}

function starLines(rows: number, seed: number): string {
  const random = mulberry32(seed);
  const draw = () => 1 + Math.floor(random() * NODES);
  const lines = Array.from({ length: rows }, () => `${draw()},${random() < HUB_SHARE ? 0 : draw()}`);
  return `from,to\n${lines.join('\n')}\n`;
}

async function load(server: EmbeddedServer, file: string, hubs: HubKind): Promise<Run> {
  const { uri, username, password } = server;
  const context = new ETLContext({
    env: { NEO4J_URI: uri, NEO4J_USERNAME: username, NEO4J_PASSWORD: password },
    reporter: SILENT_REPORTER,
  });
  const { neo4j } = context;
  await wipe(context);
  await neo4j.query('CREATE CONSTRAINT IF NOT EXISTS FOR (n:Place) REQUIRE n.id IS UNIQUE');
  await neo4j.query(`UNWIND range(0, ${NODES}) AS id CREATE (:Place {id: id})`);
  const hubBucket = hubs === 'share' ? TABLE_SIZE : keyBucket(0, TABLE_SIZE);
  let hubMs = 0;
  const stop = subscribeToEvents({
    cell: (event) => {
      const isHub = event.row === hubBucket || event.col === hubBucket;
      if (isHub && event.event === 'cell:end') hubMs += event.durationMs;
    },
  });
  const started = performance.now();
  const task = new ParallelCSVLoad2Neo4jTask(context, {
    ...{ file, hubs, maxWorkers: WORKERS, tableSize: TABLE_SIZE, batchSize: BATCH_ROWS, types: 'inferred' },
    mapping: relationship('KNOWS', {
      from: node('Place', { id: 'from' }),
      to: node('Place', { id: 'to' }),
      write: 'create',
    }),
  });
  const { error, summary } = await task.execute();
  const elapsedMs = performance.now() - started;
  stop();
  await context.close();
  if (error) throw error;
  return { seconds: elapsedMs / 1000, hubCells: hubMs / elapsedMs, retries: summary.retries ?? 0 };
}
