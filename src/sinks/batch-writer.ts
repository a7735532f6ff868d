/**
 * Writes the rows of a batch so that each of them ends in the database or in the rejected file, once.
 *
 * The batch is one transaction. When the server refuses it for a row's sake, it is cut in two and the parts are written
 * one after the other, until what is refused is one row (binary splitting, the oldest scheme of group testing: Dorfman,
 * 1943; Hwang, 1972). Where the error names the value that it is about, the cut is made around that row at once. A row
 * counts as at fault only when it was refused alone.
 *
 * | what the server says | what is done |
 * |---|---|
 * | a row is at fault | cut, reject, go on |
 * | the transaction is too large for its memory | cut in two; not fatal as long as there is something to cut |
 * | anything else | thrown, after the retries of the transaction |
 *
 * Parts are written in the order of their rows, so the ledger's count of the cell stays a count of its first rows: a row
 * that is set aside is counted with the part after it. From then on it is left out of whatever is tried, in a later attempt of
 * the run too, so that no row is both written and in the rejected file.
 */
import {
  amendBatch,
  type BatchPosition,
  type BatchResults,
  pickRows,
  rowAt,
  rowCount,
} from '../core/batch-processor.ts';
import {
  ConfigError,
  type ErrorCode,
  type GraphweftError,
  ValidationError,
  WriteError,
} from '../core/errors.ts';
import { beginEvent, type EventLink, endSinkWrite } from '../core/events.ts';
import { mergeStatistics, type Statistics } from '../core/statistics.ts';
import type { Task } from '../core/task.ts';
import { checkStatement } from '../neo4j/check-statement.ts';
import type { Neo4jConnection, WriteOptions } from '../neo4j/connection.ts';
import { DEADLOCK } from '../neo4j/retry-rules.ts';
import { faultOf, isMemoryError, mentionsValue } from '../neo4j/row-faults.ts';
import type { RunLedger } from '../neo4j/run-ledger.ts';
import type { TransactionWork, WriteResult } from '../neo4j/write-transaction.ts';
import { type RejectedRow, type RejectedRows, rejectedRow } from './rejected-rows.ts';

export const ROW_POLICIES = ['reject', 'error', 'ignore'] as const;
/** `reject`: to the rejected file; `error`: the load ends; `ignore`: counted and dropped. */
export type RowPolicy = (typeof ROW_POLICIES)[number];

export interface BatchWriterOptions {
  readonly neo4j: Neo4jConnection;
  readonly task: Task | undefined;
  readonly rejected: RejectedRows;
  readonly write: Omit<WriteOptions, 'signal'> & { readonly signal: () => AbortSignal };
  /** What to do with a row that the server refuses. */
  readonly badRows: RowPolicy;
  /** What to do with a row whose key exists already. */
  readonly duplicateKeys: RowPolicy;
  /** The statement, to tell a fault of it from a row's. */
  readonly statement: string;
  readonly ledger?: RunLedger | undefined;
  /** What the writers of a load know together. Default: a writer knows it alone. */
  readonly shared?: SharedWriting | undefined;
}

/** What the writers of one load have found out, each for all. */
export class SharedWriting {
  statementIsSound: Promise<boolean> | undefined;
  /** Rows that were refused alone. */
  refused = 0;
  /** Rows of a transaction that the server's memory holds. */
  maxRows = Number.POSITIVE_INFINITY;
  /** Of the relationships that the last transaction merged: how many it created, from 0 to 1. */
  createdShare = 1;
  /** When so many rows are written, commits pass no gate any more. */
  gatedRows = Number.POSITIVE_INFINITY;
  writtenRows = 0;
  /** Whether earlier attempts of the run have written rows. */
  hasWrittenBefore = false;
  /** Whether commits met where none should. */
  hasDeadlocked = false;
  /** Whether a row was seen to have the columns of the mapping; of later ones some may lack a field, which then is null. */
  areColumnsChecked = false;

  get isGated(): boolean {
    return this.hasDeadlocked || this.writtenRows < this.gatedRows;
  }
}

/** What came of a part. */
export interface PartResult {
  /** Rows that were written. */
  readonly written: number;
  /** Relationships that were merged. Default: none. */
  readonly merged?: number;
  readonly statistics: Statistics;
}

/** A row that is not to be written, by its index in the part. */
export interface RowRejection {
  readonly index: number;
  readonly code: ErrorCode;
  readonly message: string;
}

/** Sets rows of a part aside, as the policy says, and counts them. */
export type Reject = (rejections: readonly RowRejection[], policy: RowPolicy) => void;

/**
 * Is thrown by work whose transaction holds something of rows that it has set aside: it is rolled back, and the part is written
 * without them.
 */
export const WITHOUT_THEM = new Error('a part has to be written without the rows that were set aside');

/** Prepares a part of a batch; what it gives is run in one transaction, perhaps more than once. */
export type PrepareWork<T> = (
  part: BatchResults<T>,
  reject: Reject,
  shared: SharedWriting,
) => TransactionWork<PartResult>;

/** The rows `from` (inclusive) to `to` (exclusive) of a batch. */
interface Part {
  readonly from: number;
  readonly to: number;
}

/** While nothing was written, so many rows refused one by one say that the statement is at fault. */
const ALL_REFUSED = 1_000;
/** After a transaction that fitted, the next may be larger by this factor: what fills the memory may be gone. */
const REGROWTH = 1.1;

export class BatchWriter<T> {
  readonly #options: BatchWriterOptions;
  readonly #shared: SharedWriting;
  readonly #prepare: PrepareWork<T>;

  constructor(options: BatchWriterOptions, prepare: PrepareWork<T>) {
    this.#options = options;
    this.#shared = options.shared ?? new SharedWriting();
    this.#prepare = prepare;
  }

  /** Writes a batch. @throws What the policies say, and what no retry mends. */
  async write(batch: BatchResults<T>): Promise<Statistics> {
    const { ledger, neo4j, task } = this.#options;
    let retries: Statistics = {}; // of the transaction at work
    const onRetry = (counted: Statistics) => {
      retries = mergeStatistics(retries, counted);
    };
    const write = { ...this.#options.write, signal: this.#options.write.signal(), onRetry };
    const { position } = batch;
    const rows = rowCount(batch);
    const base = position?.from ?? 0;
    const aside = new Aside();
    this.#leaveOut(batch, aside);
    let statistics: Statistics = {};
    let consumed = 0; // rows of the batch that the ledger knows of
    const markOf = (to: number) =>
      ledger && position ? ledger.mark(position, base + consumed, base + to) : undefined;
    try {
      const parts = cutBySize({ from: 0, to: rows }, this.#shared.maxRows).reverse();
      for (let part = parts.pop(); part; part = parts.pop()) {
        const { from, to } = part;
        if (aside.leaves(part)?.length === 0) continue;
        retries = {};
        try {
          const work = this.#workOf(batch, part, aside);
          const isFinal = (error: unknown) => to - from > 1 && isMemoryError(error);
          const { isGated } = this.#shared;
          const done = await neo4j.transact(work, { ...write, isGated, isFinal, mark: markOf(to) });
          this.#noteWritten(done, to - from);
          statistics = mergeStatistics(statistics, done.statistics, done.value.statistics);
          consumed = to;
        } catch (error) {
          statistics = mergeStatistics(statistics, retries);
          const cut = error === WITHOUT_THEM ? [part] : await this.#cut(batch, part, error);
          parts.push(...cut.toReversed());
          if (cut.length > 0 && isMemoryError(error))
            statistics = mergeStatistics(statistics, { batches_halved: 1 });
          if (cut.length === 0) this.#refuse(batch, from, error, aside);
        }
      }
      const mark = consumed < rows ? markOf(rows) : undefined;
      // The last rows were set aside, and no part after them told the ledger.
      if (mark) {
        const done = await neo4j.transact(async () => undefined, { ...write, mark });
        statistics = mergeStatistics(statistics, done.statistics);
      }
    } catch (fatal) {
      // What the parts before it came to is in the account of the load that ends here.
      task?.reportProgress({ rows: consumed, statistics: mergeStatistics(statistics, aside.statistics) });
      throw fatal;
    }
    return mergeStatistics(statistics, aside.statistics);
  }

  /** Leaves out what an earlier attempt has set aside, though the ledger does not count it. */
  #leaveOut({ position, batchSize }: BatchResults<T>, aside: Aside): void {
    const { rejected, ledger, task } = this.#options;
    if (!ledger || !position) return;
    for (const [index, code] of rejected.earlierOf(position, batchSize)) aside.add({ index, code }, 'reject');
    if (aside.size > 0) task?.reportProgress({ rejectedRows: aside.size });
  }

  /** Prepares a part; each try leaves out what the ones before it set aside. */
  #workOf(batch: BatchResults<T>, part: Part, aside: Aside): TransactionWork<PartResult> {
    const prepare = () => {
      const indexes = aside.leaves(part);
      const { size } = aside;
      if (indexes?.length === 0) return { size, work: async () => ({ written: 0, statistics: {} }) };
      const reject: Reject = (rejections, policy) =>
        this.#reject(
          batch,
          rejections.map((row) => ({ ...row, index: indexes ? indexes[row.index]! : part.from + row.index })),
          policy,
          aside,
        );
      const isWhole = !indexes && part.to - part.from === rowCount(batch);
      const left = isWhole ? batch : pickRows(batch, indexes ?? indexesOf(part));
      return { size, work: this.#prepare(left, reject, this.#shared) };
    };
    let prepared = prepare();
    return (run) => {
      if (aside.size > prepared.size) prepared = prepare();
      return prepared.work(run);
    };
  }

  #noteWritten({ value, statistics }: WriteResult<PartResult>, rows: number): void {
    const shared = this.#shared;
    const { written, merged = 0 } = value;
    shared.writtenRows += written;
    if (merged > 0) shared.createdShare = (statistics.relationships_created ?? 0) / merged;
    shared.hasDeadlocked ||= Object.keys(statistics).some((name) => name.startsWith(DEADLOCK));
    if (rows * REGROWTH > shared.maxRows) shared.maxRows = Math.ceil(rows * REGROWTH);
  }

  /** Gives smaller parts to write instead; none for a single row that is at fault. */
  async #cut(batch: BatchResults<T>, part: Part, error: unknown): Promise<readonly Part[]> {
    const rows = part.to - part.from;
    if (isMemoryError(error) && rows > 1) {
      this.#shared.maxRows = Math.min(this.#shared.maxRows, Math.ceil(rows / 2));
      return cutBySize(part, this.#shared.maxRows);
    }
    const fault = faultOf(error);
    if (!fault || this.#policyOf(error) === 'error') throw error;
    if (fault === 'perhaps' && !(await this.#isSound())) throw error;
    if (rows === 1) return [];
    const suspects =
      error instanceof ValidationError ? this.#unsendable(batch, part) : suspectsOf(batch, part, error);
    return suspects.length > 0 ? cutAround(part, suspects) : cutBySize(part, Math.ceil(rows / 2));
  }

  /** Finds the rows that cannot be prepared: nothing was sent, so all of them are found at once. */
  #unsendable(batch: BatchResults<T>, { from, to }: Part): readonly number[] {
    const found: number[] = [];
    for (let i = from; i < to; i++) {
      try {
        this.#prepare(pickRows(batch, [i]), () => undefined, this.#shared);
      } catch {
        found.push(i); // it is prepared again alone, and then rejected with its reason
      }
    }
    return found;
  }

  #policyOf(error: unknown): RowPolicy {
    const { badRows, duplicateKeys } = this.#options;
    return faultOf(error) === 'duplicate' ? duplicateKeys : badRows;
  }

  /** Whether the server takes the statement as such; asked once. */
  #isSound(): Promise<boolean> {
    const { neo4j, statement } = this.#options;
    this.#shared.statementIsSound ??= checkStatement(neo4j, statement).then(
      () => true,
      (error: unknown) => {
        if (error instanceof ConfigError) return false;
        throw error; // that the server does not answer says nothing about the statement
      },
    );
    return this.#shared.statementIsSound;
  }

  /** Sets a row aside that was refused alone. */
  #refuse(batch: BatchResults<T>, index: number, error: unknown, aside: Aside): void {
    const { message, code } = error as GraphweftError;
    const shared = this.#shared;
    shared.refused++;
    const hasWritten = shared.writtenRows > 0 || shared.hasWrittenBefore;
    if (!hasWritten && shared.refused >= ALL_REFUSED) {
      throw new WriteError(
        'GW_WRITE_ALL',
        `Each of the first ${ALL_REFUSED} rows is refused, so the statement or the schema is at fault: ${message}`,
        { cause: error },
      );
    }
    this.#reject(batch, [{ index, code, message }], this.#policyOf(error), aside);
  }

  /** The file is on the disk before anything else happens. */
  #reject(
    batch: BatchResults<T>,
    rejections: readonly RowRejection[],
    policy: RowPolicy,
    aside: Aside,
  ): void {
    for (const rejection of rejections) aside.add(rejection, policy);
    if (policy === 'ignore') return;
    const { rejected, task, ledger } = this.#options;
    rejected.append(
      rejections.map(({ index, code, message }) =>
        rejectedRow(batch, index, {
          run: task?.uuid,
          stage: 'write',
          code,
          message,
          ...(ledger && placeOf(batch.position, index)),
        }),
      ),
    );
    task?.reportProgress({ rejectedRows: rejections.length });
  }
}

/** The rows of a batch that are not to be written, by their indexes, and what is counted of them. */
class Aside {
  readonly statistics: Record<string, number> = {};
  readonly #indexes = new Set<number>();

  get size(): number {
    return this.#indexes.size;
  }

  add({ index, code }: Pick<RowRejection, 'index' | 'code'>, policy: RowPolicy): void {
    this.#indexes.add(index);
    const ofPolicy = policy === 'ignore' ? 'rows_ignored' : 'rows_rejected';
    const statistic = code === 'GW_WRITE_MISSING_NODE' ? 'missing_node_rows' : ofPolicy;
    this.statistics[statistic] = (this.statistics[statistic] ?? 0) + 1;
  }

  /** Gives the rows of a part that are still to be written. Default: all. */
  leaves(part: Part): readonly number[] | undefined {
    return this.size === 0 ? undefined : indexesOf(part).filter((index) => !this.#indexes.has(index));
  }
}

/** Writes the batches of a sink's predecessor, and hands each on with what was counted. */
export async function* writeBatches<T>(
  sink: EventLink,
  batches: AsyncGenerator<BatchResults<T>>,
  writer: BatchWriter<T>,
): AsyncGenerator<BatchResults<T>> {
  for await (const batch of batches) {
    if (rowCount(batch) === 0) {
      yield batch;
      continue;
    }
    const begun = beginEvent('sink');
    const statistics = await writer.write(batch);
    endSinkWrite(sink, begun, statistics.cypher_rows_written ?? 0);
    yield amendBatch(batch, { statistics: mergeStatistics(batch.statistics, statistics) });
  }
}

function indexesOf({ from, to }: Part): readonly number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function cutBySize({ from, to }: Part, rows: number): Part[] {
  const parts: Part[] = [];
  for (let at = from; at < to; at += rows) parts.push({ from: at, to: Math.min(to, at + rows) });
  return parts;
}

function cutAround({ from, to }: Part, rows: readonly number[]): readonly Part[] {
  const parts: Part[] = [];
  let at = from;
  for (const row of rows) {
    parts.push({ from: at, to: row }, { from: row, to: row + 1 });
    at = row + 1;
  }
  return [...parts, { from: at, to }].filter((part) => part.to > part.from);
}

/** The row that the error speaks of, as far as it does: the last one that holds the value which it names. */
function suspectsOf(batch: BatchResults, { from, to }: Part, error: unknown): readonly number[] {
  const isNamed = mentionsValue(error);
  for (let i = to - 1; isNamed && i >= from; i--)
    if (Object.values(rowAt(batch, i) as object).some(isNamed)) return [i];
  return [];
}

function placeOf(position: BatchPosition | undefined, index: number): Pick<RejectedRow, 'cell' | 'position'> {
  if (!position) return {};
  return { cell: [position.row, position.col], position: position.from + index };
}
