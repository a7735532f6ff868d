import type { BatchSource } from '../core/batch-processor.ts';
import { integerOption, pickOptions } from '../core/options.ts';
import { cellsOfGroup } from '../parallel/grid.ts';
import { dictIdExtractor, type IdExtractor } from '../parallel/id-extractors.ts';
import { DEFAULT_MAX_WORKERS, ParallelBatchProcessor } from '../parallel/parallel-batch-processor.ts';
import { SplittingBatchProcessor } from '../parallel/splitting-batch-processor.ts';
import type { Row } from '../sources/duckdb.ts';
import type { WritingKind } from './load-task.ts';

/**
 * A load holds less back than a splitter made by hand: 3 M flights peaked at 350 MB with these (grid of 8, batches of
 * 5,000, 4 workers), at 1.1 GB with a burst factor of 20 and 4 waves ahead, at the same speed.
 */
export const DEFAULT_LOAD_BURST_FACTOR = 2;
export const DEFAULT_LOAD_PREFETCH = 1;
/** With two to four times as many buckets as workers, hardly a worker waits for the last cell of a wave. */
const BUCKETS_A_WORKER = 2;

export interface ParallelOptions {
  /** Buckets on each side of the grid, 1 to 4096. Default: twice maxWorkers, so 8. */
  readonly tableSize?: number;
  /** A cell that holds more than this many times batchSize rows is flushed early; from 1. Default: 2. */
  readonly burstFactor?: number;
  /** Cells written at the same time, at most; from 1. Default: 4. */
  readonly maxWorkers?: number;
  /** Waves read ahead of the one being written, at most; from 0. Default: 1. */
  readonly prefetch?: number;
  /** Field with the start node's key. Default: 'start'. */
  readonly startKey?: string;
  /** Field with the end node's key. Default: 'end'. */
  readonly endKey?: string;
  /** Whether both keys are of one node space (airport to airport). Default: false. */
  readonly monopartite?: boolean;
  /** Gives a row's buckets, in place of startKey and endKey. */
  readonly idExtractor?: IdExtractor<Row>;
}

const PARALLEL_OPTION_NAMES = [
  'tableSize',
  'burstFactor',
  'maxWorkers',
  'prefetch',
  'startKey',
  'endKey',
  'monopartite',
  'idExtractor',
] as const satisfies readonly (keyof ParallelOptions)[];

/** Puts a splitter and parallel workers around the sink. @internal */
export const PARALLEL_WRITING: WritingKind<ParallelOptions> = {
  optionNames: PARALLEL_OPTION_NAMES,
  place(context, task, options, rows, workerFactory) {
    const maxWorkers = integerOption('maxWorkers', options.maxWorkers ?? DEFAULT_MAX_WORKERS, { min: 1 });
    const { tableSize = BUCKETS_A_WORKER * maxWorkers } = options;
    const keys = pickOptions(options, ['startKey', 'endKey', 'monopartite']);
    const splitter = new SplittingBatchProcessor<Row>(context, {
      ...pickOptions(options, ['monopartite']),
      burstFactor: options.burstFactor ?? DEFAULT_LOAD_BURST_FACTOR,
      predecessor: rows as BatchSource<Row>,
      task,
      tableSize,
      idExtractor: options.idExtractor ?? dictIdExtractor({ ...keys, tableSize }),
    });
    const idle = maxWorkers - widestWave(splitter);
    if (idle > 0) {
      context.reporter.warn(
        `With tableSize ${tableSize} no wave has work for more than ${maxWorkers - idle} of the ${maxWorkers} ` +
          `workers; a larger tableSize keeps all of them busy.`,
      );
    }
    return new ParallelBatchProcessor(context, {
      prefetch: options.prefetch ?? DEFAULT_LOAD_PREFETCH,
      predecessor: splitter,
      task,
      maxWorkers,
      workerFactory,
    });
  },
};

function widestWave(splitter: SplittingBatchProcessor<Row>): number {
  const sizes = Array.from(
    { length: splitter.tableSize },
    (_, group) => cellsOfGroup(splitter, group).length,
  );
  return Math.max(...sizes);
}
