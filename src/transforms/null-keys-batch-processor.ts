import {
  amendBatch,
  BatchProcessor,
  type BatchProcessorOptions,
  type BatchResults,
  pickRows,
  rowAt,
  rowCount,
} from '../core/batch-processor.ts';
import type { TaskContext } from '../core/context.ts';
import type { ValidationError } from '../core/errors.ts';
import { choiceOption } from '../core/options.ts';
import { mergeStatistics } from '../core/statistics.ts';
import type { KeyClaim } from '../mapping/compile.ts';
import { nodeKeyOf } from '../mapping/mapping-extractor.ts';
import { missingOf } from '../mapping/readers.ts';
import { ROW_POLICIES, type RowPolicy } from '../sinks/batch-writer.ts';
import { type RejectedRows, rejectedRow } from '../sinks/rejected-rows.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface NullKeysOptions<T> extends BatchProcessorOptions<T> {
  /** The keys that a row must have. */
  readonly keys: readonly Pick<KeyClaim, 'keys'>[];
  readonly policy: RowPolicy;
  readonly rejectedFile: RejectedRows;
  /** Looks at the first row; throws when it has not the columns that are wanted. Default: the keys' columns are. */
  readonly checkColumns?: ((columns: readonly string[]) => void) | undefined;
}

/**
 * Takes rows out whose node keys are null, missing or no number, or come of a function that fails: no node can be found by
 * them. Statistic: `null_key_rows`, where there are any.
 *
 * @throws {@link ValidationError} `GW_SPLIT_KEY` for the first of them, with the policy `error`.
 */
export class NullKeysBatchProcessor<T> extends BatchProcessor<T> {
  readonly #keys: NullKeysOptions<T>['keys'];
  readonly #policy: RowPolicy;
  readonly #rejected: RejectedRows;
  readonly #checkColumns: NullKeysOptions<T>['checkColumns'];

  constructor(context: TaskContext, options: NullKeysOptions<T>) {
    super(context, options);
    this.#keys = options.keys;
    this.#policy = choiceOption('nullKeys', options.policy, ROW_POLICIES);
    this.#rejected = options.rejectedFile;
    this.#checkColumns = options.checkColumns;
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<T>> {
    let isChecked = false;
    for await (const batch of this.predecessor.getBatch(maxBatchSize)) {
      const rows = rowCount(batch);
      if (!isChecked && rows > 0) this.#checkFirst(rowAt(batch, 0) as Fields);
      isChecked ||= rows > 0;
      const faults = new Map<number, ValidationError>();
      const hasNull = this.#nullsOf(batch);
      for (let i = 0; i < rows; i++) {
        const fault = this.#faultOf(batch, i, hasNull);
        if (fault) faults.set(i, fault);
      }
      yield faults.size === 0 ? batch : this.#without(batch, faults);
    }
  }

  /** A column that not even the first row has is no matter of single rows. */
  #checkFirst(row: Fields): void {
    this.#checkColumns?.(Object.keys(row));
    for (const claim of this.#keys)
      if (claim.keys.some(({ source }) => typeof source === 'string' && !(source in row)))
        nodeKeyOf(row, claim);
  }

  #faultOf(batch: BatchResults<T>, i: number, hasNull: (i: number) => boolean): ValidationError | undefined {
    try {
      if (hasNull(i)) for (const key of this.#keys) nodeKeyOf(rowAt(batch, i) as Fields, key);
      return undefined;
    } catch (error) {
      return error as ValidationError;
    }
  }

  /** Looked at for every row of a load, of which hardly one has any. */
  #nullsOf(batch: BatchResults<T>): (i: number) => boolean {
    const missing = this.#keys.flatMap(({ keys }) => keys.map(({ source }) => missingOf(batch, source)));
    return (i) => {
      for (const isMissing of missing) if (isMissing(i)) return true;
      return false;
    };
  }

  #without(batch: BatchResults<T>, faults: ReadonlyMap<number, ValidationError>): BatchResults<T> {
    if (this.#policy === 'error') throw [...faults.values()][0]!;
    if (this.#policy === 'reject') {
      this.#rejected.append(
        [...faults].map(([index, { code, message }]) =>
          rejectedRow(batch, index, { run: this.task?.uuid, stage: 'validate', code, message }),
        ),
      );
      this.report({ rejectedRows: faults.size });
    }
    const indexes = Array.from({ length: rowCount(batch) }, (_, index) => index);
    const kept = indexes.filter((index) => !faults.has(index));
    const statistics = mergeStatistics(batch.statistics, { null_key_rows: faults.size });
    return amendBatch(pickRows(batch, kept), { statistics });
  }
}
