import type { BatchSource } from '../core/batch-processor.ts';
import { integerOption, pickOptions } from '../core/options.ts';
import type { CompiledMapping } from '../mapping/compile.ts';
import { mappingExtractor } from '../mapping/mapping-extractor.ts';
import { cellsOfGroup } from '../parallel/grid.ts';
import { dictIdExtractor, type IdExtractor, MAX_TABLE_SIZE } from '../parallel/id-extractors.ts';
import { DEFAULT_MAX_WORKERS, ParallelBatchProcessor } from '../parallel/parallel-batch-processor.ts';
import { type ScheduleKind, SplittingBatchProcessor } from '../parallel/splitting-batch-processor.ts';
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
  /**
   * `claims`: a cell is written as soon as its buckets are free, the fullest bucket first. `waves`: in groups, one after
   * the other. Default: 'claims'.
   */
  readonly schedule?: ScheduleKind;
  /** With claims: the source is paused at this many waiting rows; from 1. Default: a batch a cell, at most 500,000. */
  readonly maxBufferedRows?: number;
  /** With waves: a cell of more than this many times batchSize rows is flushed early; from 1. Default: 2. */
  readonly burstFactor?: number;
  /** Cells written at the same time, at most; from 1. Default: 4. */
  readonly maxWorkers?: number;
  /** With waves: waves read ahead of the one being written, at most; from 0. Default: 1. */
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
  'schedule',
  'maxBufferedRows',
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

  warning(options, mapping) {
    const { maxWorkers, ...grid } = gridOf(options, mapping);
    if ((options.schedule ?? 'claims') === 'claims' && grid.tableSize >= maxWorkers) return undefined;
    const groups = Array.from({ length: grid.tableSize }, (_, group) => cellsOfGroup(grid, group).length);
    const widest = Math.max(...groups);
    if (widest >= maxWorkers) return undefined;
    return (
      `With tableSize ${grid.tableSize} no wave has work for more than ${widest} of the ${maxWorkers} workers; ` +
      'a larger tableSize keeps all of them busy.'
    );
  },

  place(context, task, options, rows, workerFactory, mapping) {
    const { maxWorkers, tableSize, monopartite } = gridOf(options, mapping);
    const splitter = new SplittingBatchProcessor<Row>(context, {
      predecessor: rows as BatchSource<Row>,
      task,
      tableSize,
      monopartite,
      schedule: options.schedule ?? 'claims',
      ...pickOptions(options, ['maxBufferedRows']),
      burstFactor: options.burstFactor ?? DEFAULT_LOAD_BURST_FACTOR,
      idExtractor:
        options.idExtractor ??
        (mapping && mappingExtractor(mapping, tableSize)) ??
        dictIdExtractor({ ...pickOptions(options, ['startKey', 'endKey']), tableSize, monopartite }),
    });
    return new ParallelBatchProcessor(context, {
      prefetch: options.prefetch ?? DEFAULT_LOAD_PREFETCH,
      predecessor: splitter,
      task,
      maxWorkers,
      workerFactory,
    });
  },
};

function gridOf(
  options: ParallelOptions,
  mapping: CompiledMapping | undefined,
): {
  readonly maxWorkers: number;
  readonly tableSize: number;
  readonly monopartite: boolean;
} {
  const maxWorkers = integerOption('maxWorkers', options.maxWorkers ?? DEFAULT_MAX_WORKERS, { min: 1 });
  const tableSize = options.tableSize ?? Math.min(MAX_TABLE_SIZE, BUCKETS_A_WORKER * maxWorkers);
  return {
    maxWorkers,
    tableSize,
    monopartite:
      options.idExtractor?.monopartite ??
      (mapping && mappingExtractor(mapping, tableSize).monopartite) ??
      options.monopartite ??
      false,
  };
}
