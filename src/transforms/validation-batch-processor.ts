import type { StandardSchemaV1 } from '@standard-schema/spec';
import {
  BatchProcessor,
  type BatchProcessorOptions,
  type BatchResults,
  pickRows,
} from '../core/batch-processor.ts';
import type { TaskContext } from '../core/context.ts';
import { ValidationError } from '../core/errors.ts';
import { beginEvent, endEvent, taskFields } from '../core/events.ts';
import { integerOption, optionError, refuseUnknownKeys } from '../core/options.ts';
import { mergeStatistics } from '../core/statistics.ts';
import { type RejectedRow, RejectedRows, type RejectIssue, rejectedRow } from '../sinks/rejected-rows.ts';

/** Any schema with the Standard Schema interface (zod, valibot, arktype, …). */
export type RowSchema<In = unknown, Out = unknown> = StandardSchemaV1<In, Out>;

/** What a {@link ValidationBatchProcessor} is told. */
export interface ValidationBatchProcessorOptions<In, Out> extends BatchProcessorOptions<In> {
  /** What a row must be; its output is the row that goes on. */
  readonly schema: RowSchema<unknown, Out>;
  /** JSON-lines file that invalid rows are appended to. */
  readonly rejectedFile: string | RejectedRows;
}

/**
 * Checks every row against a schema. Valid rows go on, typed as the schema's output; invalid rows go to the rejected
 * file with their file, row number, the row as read and every issue. Statistics: `valid_rows`, `invalid_rows`.
 *
 * @throws {@link ValidationError} `GW_VALIDATION_ALL` at the end, when there were rows and none was valid: the schema,
 * not the data, is then at fault.
 * @see https://standardschema.dev
 */
export class ValidationBatchProcessor<In = unknown, Out = In> extends BatchProcessor<In, Out> {
  readonly #schema: RowSchema<unknown, Out>;
  readonly #rejected: RejectedRows;

  constructor(context: TaskContext, options: ValidationBatchProcessorOptions<In, Out>) {
    const known = ['predecessor', 'task', 'schema', 'rejectedFile'];
    refuseUnknownKeys('ValidationBatchProcessor', options, known);
    super(context, options);
    const { schema, rejectedFile } = options;
    if (typeof schema?.['~standard']?.validate !== 'function') {
      throw optionError('schema', 'a schema with the Standard Schema interface, such as one of zod', schema);
    }
    this.#schema = schema;
    this.#rejected = rejectedFile instanceof RejectedRows ? rejectedFile : new RejectedRows(rejectedFile);
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<Out>> {
    integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    let valid = 0;
    let invalid = 0;
    let firstRejected: RejectedRow | undefined;
    for await (const batch of this.predecessor.getBatch(maxBatchSize)) {
      const begun = beginEvent('validation');
      const { rows, kept, rejected } = await this.#validate(batch);
      endEvent('validation', begun, () => ({
        event: 'validation:end',
        ...taskFields(this.task),
        rows: batch.chunk.length,
        invalidRows: rejected.length,
      }));
      this.#rejected.append(rejected);
      if (rejected.length > 0) this.report({ rejectedRows: rejected.length });
      firstRejected ??= rejected[0];
      valid += rows.length;
      invalid += rejected.length;
      const counts = { valid_rows: rows.length, invalid_rows: rejected.length };
      const statistics = mergeStatistics(batch.statistics, counts);
      const left = rejected.length === 0 ? batch : pickRows(batch, kept);
      yield { ...left, chunk: rows, statistics };
    }
    if (valid === 0 && firstRejected) throw this.#rejectsAll(invalid, firstRejected);
  }

  async #validate(batch: BatchResults<In>): Promise<{
    readonly rows: Out[];
    /** Where the valid rows stood in the batch. */
    readonly kept: readonly number[];
    readonly rejected: RejectedRow[];
  }> {
    const rows: Out[] = [];
    const kept: number[] = [];
    const rejected: RejectedRow[] = [];
    const { validate } = this.#schema['~standard'];
    for (const [index, row] of batch.chunk.entries()) {
      const checked = validate(row);
      // Awaiting what is no promise would cost a turn of the event loop for each row.
      const result = checked instanceof Promise ? await checked : checked;
      if (result.issues) rejected.push(this.#reject(batch, index, result.issues));
      else {
        rows.push(result.value);
        kept.push(index);
      }
    }
    return { rows, kept, rejected };
  }

  #reject(batch: BatchResults<In>, index: number, found: readonly StandardSchemaV1.Issue[]): RejectedRow {
    const issues = found.map(toRejectIssue);
    return rejectedRow(batch, index, {
      run: this.task?.uuid,
      stage: 'validate',
      code: 'GW_VALIDATION_ROW',
      message: issues.map(({ path, message }) => `${path.join('.') || 'row'}: ${message}`).join('; '),
      issues,
    });
  }

  #rejectsAll(invalid: number, { message }: RejectedRow): ValidationError {
    return new ValidationError(
      'GW_VALIDATION_ALL',
      `The schema rejects every one of the ${invalid} rows; the first because of ${message}. ` +
        `All are in ${this.#rejected.path}.`,
      { details: { rows: invalid, rejectedFile: this.#rejected.path } },
    );
  }
}

function toRejectIssue({ path = [], message }: StandardSchemaV1.Issue): RejectIssue {
  const keys = path.map((segment) => (typeof segment === 'object' ? segment.key : segment));
  return { path: keys.map((key) => (typeof key === 'symbol' ? String(key) : key)), message };
}
