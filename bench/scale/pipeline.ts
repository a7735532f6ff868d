/** What is measured: generated ratings, alone or through all of the client but the network. */
import { setImmediate } from 'node:timers/promises';
import {
  type BatchSource,
  ClosedLoopBatchProcessor,
  type CompiledMapping,
  compileMapping,
  ETLContext,
  ParallelBatchProcessor,
  type Row,
  SILENT_REPORTER,
  SplittingBatchProcessor,
} from '../../src/index.ts';
import { mappingExtractor } from '../../src/mapping/mapping-extractor.ts';
import { PackedRows } from '../../src/neo4j/packed-rows.ts';
import { prepareBatch } from '../../src/sinks/prepare-batch.ts';
import { MAPPINGS } from '../workloads/mappings.mjs';
import { ratings } from '../workloads/ratings.ts';

export interface PipelineOptions {
  readonly rows: number;
  readonly workers: number;
  readonly batchSize: number;
  /** Is told of each batch that came through. */
  readonly onBatch: (batch: PackedBatch) => void;
}

export interface PackedBatch {
  readonly rows: number;
  readonly bytes: number;
}

const SEED = 5;
const USERS = 100_000;
/** As the load tasks choose it. */
const BUCKETS_A_WORKER = 2;
const FLOAT_COLUMNS: ReadonlySet<string> = new Set(['rating']);

/** Only makes the rows: what the others cost without the client. */
export async function runGenerator({ rows, batchSize, onBatch }: PipelineOptions): Promise<void> {
  for await (const { chunk } of generated(rows).getBatch(batchSize)) {
    onBatch({ rows: chunk.length, bytes: 0 });
    await setImmediate();
  }
}

/** Source → claims splitter → parallel processor → workers that pack and discard → closed loop. */
export async function runPipeline({ rows, workers, batchSize, onBatch }: PipelineOptions): Promise<void> {
  await using context = new ETLContext({ env: {}, reporter: SILENT_REPORTER });
  const mapping = compileMapping(MAPPINGS.ratings.mapping);
  const tableSize = BUCKETS_A_WORKER * workers;
  const splitter = new SplittingBatchProcessor<Row>(context, {
    predecessor: generated(rows),
    tableSize,
    schedule: 'claims',
    idExtractor: mappingExtractor(mapping, tableSize),
  });
  const predecessor = new ParallelBatchProcessor<Row>(context, {
    predecessor: splitter,
    workerFactory: (cell) => packAndDiscard(cell, mapping, onBatch),
    maxWorkers: workers,
  });
  const loop = new ClosedLoopBatchProcessor(context, { predecessor });
  let done = 0;
  for await (const { batchSize: count } of loop.getBatch(batchSize)) done += count;
  if (done !== rows) throw new Error(`${done} of ${rows} rows came through.`);
}

/** Does what the mapping's sink does before it writes, and lets go of the bytes. */
function packAndDiscard(
  predecessor: BatchSource<Row>,
  mapping: CompiledMapping,
  onBatch: PipelineOptions['onBatch'],
): BatchSource<Row> {
  return {
    async *getBatch(size) {
      for await (const batch of predecessor.getBatch(size)) {
        const { parameters } = prepareBatch(mapping, batch, FLOAT_COLUMNS);
        let bytes = 0;
        for (const value of Object.values(parameters)) {
          if (typeof value === 'number') continue;
          if (!(value instanceof PackedRows)) throw new Error('The batch was not packed.');
          bytes += value.chunks.length;
        }
        onBatch({ rows: batch.chunk.length, bytes });
        await setImmediate(); // where a sink waits for the server, and the others have their turn
        yield batch;
      }
    },
  };
}

function generated(rows: number): BatchSource<Row> {
  return {
    async *getBatch(size) {
      const next = ratings(SEED, USERS);
      for (let firstRow = 0; firstRow < rows; firstRow += size) {
        const chunk: Row[] = [];
        for (let i = Math.min(size, rows - firstRow); i > 0; i--) chunk.push({ ...next() });
        const origin = { file: 'generated', firstRow };
        yield { chunk, statistics: {}, batchSize: chunk.length, origin };
      }
    },
  };
}
