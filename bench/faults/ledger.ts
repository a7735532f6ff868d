/** What the ledger costs: the same load with it and without, in turn, on an empty graph each time. */
import { join } from 'node:path';
import { node, ParallelCSVLoad2Neo4jTask, relationship } from 'graphweft';
import { median } from '../support/figures.ts';
import { cpuSecondsOf } from '../support/process-figures.ts';
import type { Arena, Size } from './arena.ts';
import { prepareGraph, tripsFile } from './trips.ts';

interface Run {
  readonly seconds: number;
  readonly serverCpuSeconds: number;
}

/** What it may cost of the time of a load. */
const MAX_COST = 0.03;

export async function measureLedger(arena: Arena, { times, rows }: Size): Promise<boolean> {
  const { file } = tripsFile('mapping', rows, arena.seed);
  const runs: Record<'with' | 'without', Run[]> = { with: [], without: [] };
  await load(arena, file, false); // warms the server up
  for (let round = 0; round < times; round++) {
    for (const kind of round % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const)) {
      runs[kind].push(await load(arena, file, kind === 'with'));
      process.stderr.write('.');
    }
  }
  const ratios = (pick: (run: Run) => number) =>
    runs.with.map((run, i) => pick(run) / pick(runs.without[i]!));
  const shown = (values: readonly number[]) =>
    `${median(values).toFixed(3)} (${values.map((value) => value.toFixed(3)).join(' ')})`;
  const time = ratios(({ seconds }) => seconds);
  const cpu = ratios((run) => run.serverCpuSeconds);
  process.stdout.write(
    `\nledger: with to without, ${rows.toLocaleString('en-US')} rows, batches of 5,000, ${times} pairs: ` +
      `time ${shown(time)}, server CPU ${shown(cpu)}\n`,
  );
  return Math.min(median(time), median(cpu)) <= 1 + MAX_COST;
}

async function load(arena: Arena, file: string, hasLedger: boolean): Promise<Run> {
  const { context, server, dataDir } = arena;
  await prepareGraph(context);
  const place = (column: string) => node('Place', { id: column });
  const task = new ParallelCSVLoad2Neo4jTask(context, {
    file,
    types: { start: 'BIGINT', end: 'BIGINT', n: 'BIGINT' },
    mapping: relationship('TRIP', {
      from: place('start'),
      to: place('end'),
      properties: ['n', 'day'],
      write: 'create',
    }),
    rejectedFile: join(dataDir, 'ledger.jsonl'),
    ...(!hasLedger && { resume: false }),
  });
  const before = cpuSecondsOf(server.pid);
  const started = performance.now();
  const { success, error } = await task.execute();
  if (!success) throw error;
  return {
    seconds: (performance.now() - started) / 1000,
    serverCpuSeconds: cpuSecondsOf(server.pid) - before,
  };
}
