/** What the ledger costs: the same load with it and without, in turn, on an empty graph each time. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { median, medianAndAll, ratios, whole } from '../support/figures.ts';
import { cpuSecondsOf } from '../support/process-figures.ts';
import { say } from '../support/progress.ts';
import type { Arena, Size } from './arena.ts';
import { prepareGraph, tripsFile } from './trips.ts';
import { tripsTask } from './trips-task.ts';

interface Run {
  readonly seconds: number;
  readonly serverCpuSeconds: number;
}

/** What it may cost of the time of a load. */
const MAX_COST = 0.03;
const WARM_UP_ROWS = 8_000_000;

export async function measureLedger(
  arena: Arena,
  { times, rows, batchSize }: Size & { readonly batchSize: number },
): Promise<boolean> {
  const load = (hasLedger: boolean) => loadOnce(arena, file, batchSize, hasLedger);
  const { file } = tripsFile('mapping', rows, arena.seed);
  const runs: Record<'with' | 'without', Run[]> = { with: [], without: [] };
  // A server compiles what it runs often, for minutes: the mark, once a transaction, comes long after the rows.
  for (let i = 0; i < 2 * Math.ceil(WARM_UP_ROWS / 2 / rows); i++) await load(i % 2 === 1);
  for (let round = 0; round < times; round++) {
    for (const kind of round % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const)) {
      runs[kind].push(await load(kind === 'with'));
      say(`${kind} the ledger: ${runs[kind].at(-1)!.seconds.toFixed(1)} s`);
    }
  }
  const pairs = (pick: (run: Run) => number) => ratios(runs.with.map(pick), runs.without.map(pick));
  const time = pairs(({ seconds }) => seconds);
  const cpu = pairs((run) => run.serverCpuSeconds);
  process.stdout.write(
    `ledger: with to without, ${whole(rows)} rows, batches of ${whole(batchSize)}, ${times} pairs: ` +
      `time ${medianAndAll(time, 3)}, server CPU ${medianAndAll(cpu, 3)}\n`,
  );
  return median(time) <= 1 + MAX_COST;
}

async function loadOnce(arena: Arena, file: string, batchSize: number, hasLedger: boolean): Promise<Run> {
  const { context, server, dataDir } = arena;
  await prepareGraph(context);
  const task = tripsTask(context, {
    file,
    kind: 'mapping',
    schedule: 'claims',
    batchSize,
    run: hasLedger ? `ledger-${Date.now()}` : false,
    // Its own, as the first load of a file has: one with rows of earlier loads is read through.
    rejectedFile: join(dataDir, `ledger-${randomUUID()}.jsonl`),
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
