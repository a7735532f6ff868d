/**
 * A server far away: throughput over the number of workers, directly and through a proxy that adds a round trip. With
 * enough workers others write while one waits for its answer.
 *
 *     npm run bench -- latency [--rows N] [--rounds N] [--round-trip MS] [--svg FILE]
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { ETLContext, SILENT_REPORTER } from 'graphweft';
import { runProgram } from 'graphweft/cli';
import { MAPPING } from '../peers/graphweft.ts';
import { runOnce } from '../peers/run-once.ts';
import { type BenchServer, withServer } from '../support/bench-server.ts';
import { median, whole } from '../support/figures.ts';
import { wholeNumber, wholeNumbers } from '../support/flags.ts';
import { say, warnIfBusy } from '../support/progress.ts';
import { saveResults } from '../support/results.ts';
import { textTable } from '../support/text-table.ts';
import { type Workload, workload } from '../workloads/workload.ts';
import { curveSvg } from './curve-svg.ts';
import { startDelayingProxy } from './delaying-proxy.ts';

interface Flags {
  readonly rows: number;
  readonly rounds: number;
  readonly roundTrip: number;
  readonly workers: readonly number[];
  readonly batchSize: number;
  readonly tableSize?: number;
  readonly svg: string;
}

/** One way to the server, and the rates by number of workers. */
interface Way {
  readonly name: string;
  readonly colour: string;
  readonly env: NodeJS.ProcessEnv;
  /** Measured, of a statement that does nothing. */
  readonly pingMs: number;
  readonly rates: Map<number, number[]>;
  /** Transactions of a load by number of workers, as of the last one. */
  readonly transactions: Map<number, number>;
  /** Transactions that were tried again, by number of workers, of all loads. */
  readonly retries: Map<number, number>;
}

const PINGS = 30;
const TIMEOUT_MS = 15 * 60_000;
const SVG = fileURLToPath(new URL('../../docs/images/latency.svg', import.meta.url));

const program = new Command('latency')
  .option('--rows <n>', 'flights a load', wholeNumber, 100_000)
  .option('--rounds <n>', 'counted runs of each number of workers', wholeNumber, 5)
  .option('--round-trip <ms>', 'what the proxy adds to a round trip', wholeNumber, 10)
  .option('--workers <list>', 'numbers of workers', wholeNumbers, [1, 2, 4, 8, 16, 32])
  .option('--batch-size <n>', 'rows a transaction, at most', wholeNumber, 5_000)
  .option(
    '--table-size <n>',
    'buckets on each side of the grid; when left out, twice the workers',
    wholeNumber,
  )
  .option('--svg <file>', 'where the curve is drawn', SVG)
  .action(bench);

await runProgram(program);

async function bench(flags: Flags): Promise<void> {
  warnIfBusy();
  const work = await workload('flights', flags.rows);
  await withServer(async (server) => {
    const { roundTrip } = flags;
    await using proxy = await startDelayingProxy({ port: server.server.boltPort, roundTripMs: roundTrip });
    const farEnv = { ...server.env, NEO4J_URI: `bolt://127.0.0.1:${proxy.port}` };
    const ways: readonly Way[] = [
      await wayOf('direct', '#2f81f7', server.env),
      await wayOf(`${roundTrip} ms round trip`, '#db6d28', farEnv),
    ];
    await measure(server, work, flags, ways);
    print(work, flags, ways);
  });
}

async function wayOf(name: string, colour: string, env: NodeJS.ProcessEnv): Promise<Way> {
  await using context = new ETLContext({ env, reporter: SILENT_REPORTER });
  const pings: number[] = [];
  for (let i = 0; i < PINGS; i++) {
    const started = performance.now();
    await context.neo4j.query('RETURN 1');
    pings.push(performance.now() - started);
  }
  const pingMs = median(pings);
  say(`${name}: a statement that does nothing takes ${pingMs.toFixed(1)} ms`);
  return { name, colour, env, pingMs, rates: new Map(), transactions: new Map(), retries: new Map() };
}

async function measure(
  server: BenchServer,
  work: Workload,
  flags: Flags,
  ways: readonly Way[],
): Promise<void> {
  const { batchSize, tableSize, workers, rounds } = flags;
  const load = (way: Way, count: number) => {
    const arena = { ...server, env: way.env, scratch: '', timeoutMs: TIMEOUT_MS };
    const grid = tableSize === undefined ? {} : { tableSize };
    const settings = { workers: count, batchSize, countsBatches: true, ...grid };
    return runOnce(arena, MAPPING, work, settings);
  };
  for (const way of ways) await load(way, workers[0]!); // the server's warm-up
  for (let round = 0; round < rounds; round++) {
    const both = workers.flatMap((count) => ways.map((way) => ({ way, count })));
    // Order changes every round, so that nobody always comes after the same one.
    for (const { way, count } of round % 2 === 0 ? both : both.reverse()) {
      const { rowsPerSecond, statistics } = await load(way, count);
      way.transactions.set(count, statistics?.batches ?? Number.NaN);
      way.retries.set(count, (way.retries.get(count) ?? 0) + (statistics?.retries ?? 0));
      way.rates.set(count, [...(way.rates.get(count) ?? []), rowsPerSecond]);
      say(`round ${round + 1}: ${way.name}, ${count} workers: ${whole(rowsPerSecond)} rows/s`);
    }
    save(work, flags, ways);
  }
}

function save(work: Workload, flags: Flags, ways: readonly Way[]): void {
  const measured = ways.map(({ name, pingMs, rates, retries }) => ({
    name,
    pingMs,
    rates: Object.fromEntries(rates),
    retries: Object.fromEntries(retries),
  }));
  saveResults('latency', { flags, rows: work.rows, ways: measured });
}

function print(work: Workload, flags: Flags, ways: readonly Way[]): void {
  const table = textTable([
    'workers',
    ...ways.flatMap(({ name }) => [`${name}: rows/s, median`, 'all']),
    'ratio',
    'rows a transaction',
    'retries',
  ]);
  for (const count of flags.workers) {
    const rates = ways.map((way) => way.rates.get(count) ?? []);
    const [direct, far] = rates.map(median);
    const cells = rates.flatMap((all) => [whole(median(all)), all.map(whole).join(' ')]);
    const size = work.rows / ways[0]!.transactions.get(count)!;
    const retries = ways.map((way) => way.retries.get(count)).join(' and ');
    table.push([count, ...cells, (far! / direct!).toFixed(2), whole(size), retries]);
  }
  const chart = curveSvg({
    title: `Flights loaded through a round trip of ${flags.roundTrip} ms`,
    xLabel: 'workers',
    yLabel: 'rows a second',
    xs: flags.workers,
    series: ways.map(({ name, colour, rates }) => ({
      name,
      colour,
      values: flags.workers.map((count) => median(rates.get(count) ?? [])),
    })),
  });
  writeFileSync(flags.svg, chart);
  const pings = ways.map(({ name, pingMs }) => `${name} ${pingMs.toFixed(1)} ms`).join(', ');
  process.stdout.write(
    `${whole(work.rows)} flights; a statement that does nothing: ${pings}\n${table.toString()}\n` +
      `the curve is in ${flags.svg}\n`,
  );
}
