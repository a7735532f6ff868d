/**
 * What events cost: the same rows through validation, grid and workers that write nowhere, with nobody listening, with a
 * listener that does nothing, and with the CSV file. Without a database, so that what is measured is not hidden behind it.
 *
 *     npm run bench -- instrumentation [--rows N] [--rounds N] [--batch N]
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import {
  type BatchSource,
  ClosedLoopBatchProcessor,
  dictIdExtractor,
  ETLContext,
  EVENT_KINDS,
  type EventKind,
  ParallelBatchProcessor,
  SILENT_REPORTER,
  SplittingBatchProcessor,
  subscribeToEvents,
  Task,
  TaskReturn,
  ValidationBatchProcessor,
} from 'graphweft';
import { runProgram } from 'graphweft/cli';
import { beginEvent, endEvent } from '../../src/core/events.ts';
import { median, whole } from '../support/figures.ts';
import { wholeNumber } from '../support/flags.ts';
import { warnIfBusy } from '../support/progress.ts';
import { saveResults } from '../support/results.ts';
import { textTable } from '../support/text-table.ts';

type Pair = Readonly<Record<'start' | 'end', number>>;

interface Flags {
  readonly rows: number;
  readonly rounds: number;
  readonly batch: number;
}

const CALLS = 20_000_000;
const LISTENERS = ['nobody', 'does nothing', 'CSV, sampling 0.01', 'CSV, all'] as const;

const program = new Command('instrumentation')
  .option('--rows <n>', 'rows a run', wholeNumber, 3_000_000)
  .option('--rounds <n>', 'runs of each side', wholeNumber, 5)
  .option('--batch <n>', 'rows a batch', wholeNumber, 5_000)
  .action(bench);

async function bench(flags: Flags): Promise<void> {
  warnIfBusy();
  const folder = mkdtempSync(join(tmpdir(), 'graphweft-bench-'));
  const seconds = new Map<string, number[]>(LISTENERS.map((name) => [name, []]));
  let perRun = 0;
  try {
    await run(flags, {}); // warms the compiler up
    for (let round = 0; round < flags.rounds; round++) {
      const order = round % 2 === 0 ? LISTENERS : LISTENERS.toReversed();
      for (const name of order) seconds.get(name)!.push(await runWith(name, flags, folder));
    }
    perRun = await countEvents(flags);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const base = median(seconds.get('nobody')!);
  const table = textTable(['listener', 'seconds, median', 'all', 'to nobody']);
  for (const [name, all] of seconds) {
    const ratio = (median(all) / base).toFixed(3);
    table.push([name, median(all).toFixed(3), all.map((s) => s.toFixed(3)).join(' '), ratio]);
  }
  saveResults('instrumentation', { flags, eventsARun: perRun, seconds: Object.fromEntries(seconds) });
  const nanos = Array.from({ length: 5 }, unheardNanos);
  const share = (median(nanos) * perRun) / 1e9 / base;
  process.stdout.write(
    `${whole(flags.rows)} rows in batches of ${flags.batch}, ${perRun} events a run\n` +
      `${table.toString()}\n` +
      `a place that could publish, unheard: ${median(nanos).toFixed(1)} ns (${nanos.map((n) => n.toFixed(1)).join(' ')}), ` +
      `${(share * 100).toFixed(4)} % of a run\n`,
  );
}

async function runWith(name: (typeof LISTENERS)[number], flags: Flags, folder: string): Promise<number> {
  switch (name) {
    case 'nobody':
      return run(flags, {});
    case 'does nothing': {
      const stop = subscribeToEvents(Object.fromEntries(EVENT_KINDS.map((kind) => [kind, () => {}])));
      const taken = await run(flags, {});
      stop();
      return taken;
    }
    default: {
      const path = join(folder, 'events.csv');
      const sampling = name === 'CSV, all' ? '1' : '0.01';
      rmSync(path, { force: true });
      return run(flags, {
        GRAPHWEFT_INSTRUMENT: 'csv',
        GRAPHWEFT_INSTRUMENT_PATH: path,
        GRAPHWEFT_INSTRUMENT_SAMPLING: sampling,
      });
    }
  }
}

async function run(flags: Flags, env: Readonly<Record<string, string>>): Promise<number> {
  const context = new ETLContext({ env, reporter: SILENT_REPORTER });
  const startedAt = performance.now();
  const { success, error } = await new Load(context, flags.rows, flags.batch).execute();
  const taken = (performance.now() - startedAt) / 1000;
  await context.close();
  if (!success) throw error;
  return taken;
}

/** Sends rows through everything but a database. */
class Load extends Task<ETLContext> {
  readonly rows: number;
  readonly batch: number;
  constructor(context: ETLContext, rows: number, batch: number) {
    super(context, 'pairs');
    this.rows = rows;
    this.batch = batch;
  }

  override async runInternal(): Promise<TaskReturn> {
    const { context } = this;
    const validation = new ValidationBatchProcessor<Pair>(context, {
      task: this,
      predecessor: pairs(this.rows),
      schema: ANY_PAIR,
      rejectedFile: 'never-written.jsonl',
    });
    const splitter = new SplittingBatchProcessor<Pair>(context, {
      predecessor: validation,
      tableSize: 8,
      schedule: 'claims',
      idExtractor: dictIdExtractor({ tableSize: 8 }),
    });
    const predecessor = new ParallelBatchProcessor<Pair>(context, {
      task: this,
      predecessor: splitter,
      workerFactory: (rows) => rows,
    });
    const loop = new ClosedLoopBatchProcessor(context, { predecessor, task: this });
    let summary = {};
    for await (const { statistics } of loop.getBatch(this.batch)) summary = statistics;
    return new TaskReturn({ summary });
  }
}

/** Lets everything pass: the check itself is not what is measured. */
const ANY_PAIR = {
  '~standard': { version: 1, vendor: 'bench', validate: (value: unknown) => ({ value: value as Pair }) },
} as const;

function pairs(rows: number): BatchSource<Pair> {
  return {
    async *getBatch(size) {
      for (let from = 0; from < rows; from += size) {
        const chunk = Array.from({ length: Math.min(size, rows - from) }, (_, i) => ({
          start: ((from + i) * 7_919) % 10_007,
          end: ((from + i) * 104_729) % 9_973,
        }));
        yield { chunk, statistics: {}, batchSize: chunk.length };
      }
    },
  };
}

async function countEvents(flags: Flags): Promise<number> {
  let events = 0;
  const count = (): void => void events++;
  const names = EVENT_KINDS.map((kind: EventKind) => `graphweft:${kind}`);
  for (const name of names) subscribe(name, count);
  await run(flags, {});
  for (const name of names) unsubscribe(name, count);
  return events;
}

/** Time of one place that could publish, while nobody listens, in ns. */
function unheardNanos(): number {
  const build = (): never => {
    throw new Error('built for nobody');
  };
  const startedAt = performance.now();
  for (let i = 0; i < CALLS; i++) endEvent('sink', beginEvent('sink'), build);
  return ((performance.now() - startedAt) * 1e6) / CALLS;
}

await runProgram(program);
