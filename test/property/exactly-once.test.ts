import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { BatchSource } from '../../src/core/batch-processor.ts';
import { isAbort } from '../../src/core/errors.ts';
import { node } from '../../src/mapping/patterns.ts';
import type { Neo4jConnection, Neo4jContext } from '../../src/neo4j/connection.ts';
import { RunLedger } from '../../src/neo4j/run-ledger.ts';
import { dictIdExtractor } from '../../src/parallel/id-extractors.ts';
import { ParallelBatchProcessor } from '../../src/parallel/parallel-batch-processor.ts';
import { SingleCellBatchProcessor } from '../../src/parallel/single-cell-batch-processor.ts';
import { SplittingBatchProcessor } from '../../src/parallel/splitting-batch-processor.ts';
import { CypherBatchSink } from '../../src/sinks/cypher-batch-sink.ts';
import { MappingBatchSink } from '../../src/sinks/mapping-batch-sink.ts';
import { RejectedRows } from '../../src/sinks/rejected-rows.ts';
import { RecordingReporter } from '../../src/testing/recording-reporter.ts';
import { NullKeysBatchProcessor } from '../../src/transforms/null-keys-batch-processor.ts';
import { makeFolder, readJsonLines } from '../support/files.ts';
import { Crash, SimulatedDatabase, type Step } from './simulated-database.ts';

// Delays between tries are for servers; here they would only be waited for.
vi.mock('node:timers/promises', () => ({ setTimeout: () => Promise.resolve() }));

const QUALITIES = ['good', 'good', 'good', 'good', 'good', 'refused', 'unsendable', 'no key'] as const;

interface Row {
  readonly id: number;
  readonly start: number | null;
  readonly end: number;
  readonly isRefused: boolean;
  readonly value: unknown;
}

const MAPPING = node('Row', { id: 'id' }, { write: 'create', properties: ['isRefused', 'value'] });

const scenario = fc.record({
  rows: fc.array(fc.record({ start: fc.nat(12), end: fc.nat(12), quality: fc.constantFrom(...QUALITIES) }), {
    minLength: 1,
    maxLength: 120,
  }),
  isMapped: fc.boolean(),
  writing: fc.constantFrom('claims' as const, 'waves' as const, 'sequential' as const),
  batchSizes: fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 4 }),
  workers: fc.integer({ min: 1, max: 5 }),
  steps: fc.array(
    fc.oneof(
      { weight: 12, arbitrary: fc.constant<Step>('ok') },
      {
        weight: 5,
        arbitrary: fc.constantFrom<Step>('deadlock', 'cut', 'lost', 'unsent', 'memory', 'crash'),
      },
    ),
    { minLength: 5, maxLength: 200 },
  ),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

describe('ledger, splitter, schedule and sink together', () => {
  it('write or reject each row once, in whatever order transactions fail, answers are lost and processes crash', async () => {
    let crashes = 0;
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const folder = makeFolder();
        try {
          crashes += await run(given, folder.path('rejected.jsonl'));
        } finally {
          folder.remove();
        }
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 300) },
    );
    expect(crashes).toBeGreaterThan(50); // the property is of nothing where nothing fails
  }, 60_000);
});

/** Loads until the run is done, and gives how often its process crashed. */
async function run(given: Scenario, rejectedFile: string): Promise<number> {
  const steps = given.steps[Symbol.iterator]();
  // When the faults are used up everything goes well, so that every run ends.
  const database = new SimulatedDatabase(() => steps.next().value ?? 'ok');
  const rows: readonly Row[] = given.rows.map(({ start, end, quality }, id) => ({
    id,
    start: quality === 'no key' ? null : start,
    end,
    isRefused: quality === 'refused',
    value: quality === 'unsendable' ? () => 0 : id,
  }));
  let crashes = 0;
  for (; database.runState !== 'done'; crashes++) {
    const batchSize = given.batchSizes[crashes % given.batchSizes.length]!;
    await attempt(database.connect(), rows, given, batchSize, rejectedFile);
  }
  const ids = (quality: string) =>
    given.rows.flatMap((row, id) => ((row.quality === 'good') === (quality === 'good') ? [id] : []));
  expect([...database.rows].sort(([a], [b]) => a - b)).toEqual(ids('good').map((id) => [id, 1]));
  const lines = ids('bad').length === 0 ? [] : readJsonLines(rejectedFile);
  expect(lines.map(({ row }) => (row as Row).id).sort((a, b) => a - b)).toEqual(ids('bad'));
  const consumed = [...database.cells.values()].reduce((sum, cell) => sum + cell.rows, 0);
  expect(consumed).toBe(given.rows.filter(({ quality }) => quality !== 'no key').length);
  return crashes - 1;
}

async function attempt(
  neo4j: Neo4jConnection,
  rows: readonly Row[],
  { isMapped, writing, workers }: Scenario,
  batchSize: number,
  rejectedFile: string,
): Promise<void> {
  const context = {
    env: {},
    reporter: new RecordingReporter(),
    signal: new AbortController().signal,
    neo4j,
  } as Neo4jContext;
  const rejected = new RejectedRows(rejectedFile);
  const fingerprint = { source: { rows: rows.length } };
  const found = await RunLedger.find(neo4j, 'r');
  const ledger = await RunLedger.open(neo4j, { run: 'r', found, isKept: true, fingerprint, instance: 'i' });
  await rejected.beginRun(ledger.instance, (row, col) => ledger.committed(row, col));
  const keys = ['start', 'end'].map((name, space) => ({ space, keys: [{ name, source: name }] }));
  const predecessor = new NullKeysBatchProcessor<Row>(context, {
    predecessor: sourceOf(rows),
    keys,
    policy: 'reject',
    rejectedFile: rejected,
  });
  const sink = (from: BatchSource<Row>) => {
    const options = { predecessor: from, badRows: 'reject', rejectedFile: rejected, ledger } as const;
    return isMapped
      ? new MappingBatchSink<Row>(context, { ...options, mapping: MAPPING })
      : new CypherBatchSink<Row>(context, { ...options, query: 'UNWIND $batch AS row CREATE (:Row)' });
  };
  const chain =
    writing === 'sequential'
      ? sink(new SingleCellBatchProcessor(context, { predecessor, committed: ledger.committed(0, 0) }))
      : new ParallelBatchProcessor<Row>(context, {
          predecessor: new SplittingBatchProcessor<Row>(context, {
            predecessor,
            tableSize: 3,
            schedule: writing,
            committed: (row, col) => ledger.committed(row, col),
            idExtractor: dictIdExtractor({ tableSize: 3 }) as never,
          }),
          maxWorkers: workers,
          workerFactory: sink,
        });
  let isDone = false;
  try {
    for await (const _ of chain.getBatch(batchSize));
    isDone = true;
  } catch (error) {
    if (!isCrash(error) || isAbort(error)) throw error;
  }
  if (isDone) await ledger.close('done');
  else await ledger.close('stopped').catch(() => undefined); // a process that is gone closes nothing
}

function isCrash(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) if (e instanceof Crash) return true;
  return false;
}

function sourceOf(rows: readonly Row[]): BatchSource<Row> {
  return {
    async *getBatch(size) {
      for (let from = 0; from < rows.length; from += size) {
        const chunk = rows.slice(from, from + size);
        yield { chunk, statistics: {}, batchSize: chunk.length, origin: { file: 'rows', firstRow: from } };
      }
    },
  };
}
