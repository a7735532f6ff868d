import type { TaskContext } from './context.ts';
import { ConfigError } from './errors.ts';
import type { TaskProgress } from './reporter.ts';
import type { RowTable } from './row-table.ts';
import type { Statistics } from './statistics.ts';
import type { Task } from './task.ts';

/** Where the rows of a batch come from, as far as its processors know. */
export type BatchOrigin = ConsecutiveOrigin | ListedOrigin;

/** All rows are of one file and follow each other in it. */
export interface ConsecutiveOrigin {
  readonly file: string;
  /** Number of the batch's first row, counted from 0 in that file. */
  readonly firstRow: number;
}

/** Each row has a file and a number of its own. */
export interface ListedOrigin {
  readonly files: readonly string[];
  readonly rowNumbers: readonly number[];
}

/** Where one row comes from; null where it is not known. */
export interface RowOrigin {
  readonly file: string | null;
  /** Counted from 0 in its file. */
  readonly rowNumber: number | null;
}

/** Gives the origin of the row at an index of a batch; a row's own `_row` counts more than its place. */
export function rowOrigin(origin: BatchOrigin | undefined, index: number, row?: unknown): RowOrigin {
  const own = (row as { readonly _row?: unknown } | null | undefined)?._row;
  if (!origin) return { file: null, rowNumber: typeof own === 'number' ? own : null };
  const [file, place] =
    'files' in origin
      ? [origin.files[index] ?? null, origin.rowNumbers[index] ?? null]
      : [origin.file, origin.firstRow + index];
  return { file, rowNumber: typeof own === 'number' ? own : place };
}

/** Names a row of a batch in a message. */
export function describeRow(batch: Pick<BatchResults, 'chunk' | 'origin'>, index: number): string {
  const { file, rowNumber } = rowOrigin(batch.origin, index, rowAt(batch, index));
  return rowNumber === null ? `item ${index} of the batch` : `row ${rowNumber}${file ? ` of ${file}` : ''}`;
}

/** Gives the origin of some of a batch's rows. */
function originOfSome(origin: BatchOrigin | undefined, indexes: readonly number[]): ListedOrigin | undefined {
  if (!origin) return undefined;
  const found = indexes.map((index) => rowOrigin(origin, index));
  return { files: found.map(({ file }) => file!), rowNumbers: found.map(({ rowNumber }) => rowNumber!) };
}

/** Which rows of which cell a batch holds; a cell's rows are counted from 0, in the order in which it gives them. */
export interface BatchPosition {
  readonly row: number;
  readonly col: number;
  /** Number of the batch's first row within its cell. */
  readonly from: number;
}

/** One batch on its way through the chain. */
export interface BatchResults<T = unknown> {
  /** The rows; those of a file are made when this is looked at for the first time. */
  readonly chunk: readonly T[];
  /** What was counted since the last batch; a count is emitted once. */
  readonly statistics: Statistics;
  /** Rows in the batch, also where `chunk` holds cells or nothing. */
  readonly batchSize: number;
  readonly origin?: BatchOrigin;
  /** Known once rows have a cell: behind a splitter, and where one writer takes all of them. */
  readonly position?: BatchPosition;
}

/** What is said of a batch's rows. */
type BatchDetails = Omit<BatchResults, 'chunk' | 'batchSize'>;

/** Tables whose rows nobody has looked at as objects. */
const TABLES = new WeakMap<object, RowTable>();

/**
 * Makes an object with rows that are made when somebody looks at them. From then on they are what counts, since they
 * may be changed; so may copies (`{ ...batch }`), which are looks, too.
 */
export function withTable<O extends object, K extends string>(details: O, name: K, table: RowTable) {
  let rows: readonly unknown[] | undefined;
  const holder = Object.defineProperty({ ...details }, name, {
    enumerable: true,
    get: () => {
      TABLES.delete(holder);
      rows ??= table.rows();
      return rows;
    },
  });
  TABLES.set(holder, table);
  return holder as O & Readonly<Record<K, readonly never[]>>;
}

/** Gives the table of rows that nobody has looked at as objects. */
export function tableOf(holder: object): RowTable | undefined {
  return TABLES.get(holder);
}

/** Makes a batch of a table's rows. */
export function tableBatch<T>(table: RowTable, details: BatchDetails): BatchResults<T> {
  return withTable({ ...details, batchSize: table.length }, 'chunk', table);
}

/** Gives a batch of which something else is said. */
export function amendBatch<T>(batch: BatchResults<T>, details: Partial<BatchDetails>): BatchResults<T> {
  const table = tableOf(batch);
  if (!table) return { ...batch, ...details };
  const { statistics, origin, position } = batch;
  return tableBatch(table, {
    statistics,
    ...(origin && { origin }),
    ...(position && { position }),
    ...details,
  });
}

/** Counts the rows of a batch, without looking at them. */
export function rowCount(batch: Pick<BatchResults, 'chunk'>): number {
  return tableOf(batch)?.length ?? batch.chunk.length;
}

/** Gives a row of a batch, as an object that may be kept. */
export function rowAt<T>(batch: Pick<BatchResults<T>, 'chunk'>, index: number): T {
  return (tableOf(batch)?.rowAt(index) as T | undefined) ?? batch.chunk[index]!;
}

/** Gives a batch with some of its rows, by their indexes, each with where it comes from. */
export function pickRows<T>(batch: BatchResults<T>, indexes: readonly number[]): BatchResults<T> {
  const picked = originOfSome(batch.origin, indexes);
  const { statistics, position } = batch;
  const details = { statistics, ...(position && { position }), ...(picked && { origin: picked }) };
  const table = tableOf(batch);
  if (table) return tableBatch(table.pick(indexes), details);
  const chunk = indexes.map((index) => batch.chunk[index]!);
  return { ...details, chunk, batchSize: chunk.length };
}

/** Is anything that rows can be pulled from. */
export interface BatchSource<T = unknown> {
  /**
   * Yields batches of at most `maxBatchSize` rows. Leaving early (`return`, an error, an abort) closes everything
   * above: files, cursors, sessions.
   */
  getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<T>>;
  /** Rows to expect, where they are known before they are read. */
  countRows?(): Promise<number | undefined>;
  /** Whether progress is reported up the chain already. */
  readonly reportsProgress?: boolean;
  /**
   * Whether its cells have claimed their buckets, and are written as they come, without waves; a link that is no
   * {@link BatchProcessor} hands it on. Default: false.
   */
  readonly givesClaims?: boolean;
}

/** Gives a source's batches, and takes the memory of each back when the next is asked for: where nobody keeps one. */
export function recycled<T>(source: BatchSource<T>): BatchSource<T> {
  return {
    countRows: async () => source.countRows?.(),
    reportsProgress: source.reportsProgress ?? false,
    async *getBatch(maxBatchSize) {
      for await (const batch of source.getBatch(maxBatchSize)) {
        yield batch;
        tableOf(batch)?.release();
      }
    },
  };
}

/** What every link of a chain can be told. */
export interface BatchProcessorOptions<In> {
  /** Where the rows come from; a source has none. */
  readonly predecessor?: BatchSource<In> | undefined;
  /** The task that progress is reported for. */
  readonly task?: Task | undefined;
}

/** Is one link of a chain that is pulled from its end: nothing is read before someone asks. */
export abstract class BatchProcessor<In = unknown, Out = In> implements BatchSource<Out> {
  readonly context: TaskContext;
  readonly task: Task | undefined;
  readonly #predecessor: BatchSource<In> | undefined;

  constructor(context: TaskContext, { predecessor, task }: BatchProcessorOptions<In> = {}) {
    this.context = context;
    this.task = task;
    this.#predecessor = predecessor;
  }

  /** @throws {@link ConfigError} `GW_CONFIG_OPTION` when there is none. */
  get predecessor(): BatchSource<In> {
    if (this.#predecessor) return this.#predecessor;
    throw new ConfigError(
      'GW_CONFIG_OPTION',
      `${this.constructor.name} needs a \`predecessor\` to pull rows from.`,
      {
        details: { option: 'predecessor' },
      },
    );
  }

  get reportsProgress(): boolean {
    return this.#predecessor?.reportsProgress ?? false;
  }

  /** Aborted when the task, or else the context, is. */
  protected get signal(): AbortSignal {
    return this.task?.signal ?? this.context.signal;
  }

  get givesClaims(): boolean {
    return this.#predecessor?.givesClaims ?? false;
  }

  countRows(): Promise<number | undefined> {
    return this.#predecessor?.countRows?.() ?? Promise.resolve(undefined);
  }

  protected report(progress: TaskProgress): void {
    this.task?.reportProgress(progress);
  }

  abstract getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<Out>>;
}
