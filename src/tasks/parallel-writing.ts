import type { BatchSource } from '../core/batch-processor.ts';
import { pickOptions } from '../core/options.ts';
import { cellsOfGroup } from '../parallel/grid.ts';
import { DEFAULT_TABLE_SIZE, dictIdExtractor, type IdExtractor } from '../parallel/id-extractors.ts';
import { DEFAULT_MAX_WORKERS, ParallelBatchProcessor } from '../parallel/parallel-batch-processor.ts';
import { SplittingBatchProcessor } from '../parallel/splitting-batch-processor.ts';
import type { Row } from '../sources/duckdb.ts';
import type { WritingKind } from './load-task.ts';

export interface ParallelOptions {
  /** Buckets on each side of the grid, 1 to 4096. Default: 10. */
  readonly tableSize?: number;
  /** A cell that holds more than this many times batchSize rows is flushed early; from 1. Default: 20. */
  readonly burstFactor?: number;
  /** Cells written at the same time, at most; from 1. Default: 4. */
  readonly maxWorkers?: number;
  /** Waves read ahead of the one being written, at most; from 0. Default: 4. */
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
    const { tableSize = DEFAULT_TABLE_SIZE, maxWorkers = DEFAULT_MAX_WORKERS } = options;
    const keys = pickOptions(options, ['startKey', 'endKey', 'monopartite']);
    const splitter = new SplittingBatchProcessor<Row>(context, {
      ...pickOptions(options, ['burstFactor', 'monopartite']),
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
    const { prefetch } = options;
    return new ParallelBatchProcessor(context, {
      ...(prefetch !== undefined && { prefetch }),
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
