import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { BatchProcessor, type BatchProcessorOptions, type BatchResults } from '../core/batch-processor.ts';
import type { TaskContext } from '../core/context.ts';
import { SourceError, throwIfAborted } from '../core/errors.ts';
import { integerOption } from '../core/options.ts';
import { rowFromJson } from '../core/row-types.ts';
import { type RejectedRow, type RejectedRows, rejectedRowOf } from '../sinks/rejected-rows.ts';
import type { Row } from './duckdb.ts';
import { fingerprintFile } from './file-fingerprint.ts';

export interface RejectedRowsSourceOptions extends Pick<BatchProcessorOptions<never>, 'task'> {
  /** A file of rejected rows. */
  readonly file: string;
  /** The load whose rows are wanted; lines that name another one are carried over. Default: all of them. */
  readonly load?: string | undefined;
  /** Takes what cannot be loaded: malformed lines that nobody mended, and rows of other loads. */
  readonly carryOver: RejectedRows;
}

/**
 * Reads rejected rows again, in their order, with the types and the places that they had. Statistics: `rejected_rows_read`
 * and, where there are any, `rejected_rows_kept` for lines that are carried over.
 *
 * @throws {@link SourceError} `GW_SOURCE_MISSING`; `GW_SOURCE_FORMAT` for a line that is no rejected row.
 */
export class RejectedRowsSource extends BatchProcessor<never, Row> {
  readonly #options: RejectedRowsSourceOptions;

  constructor(context: TaskContext, options: RejectedRowsSourceOptions) {
    super(context, { task: options.task });
    this.#options = options;
  }

  async fingerprint(): Promise<Readonly<Record<string, unknown>>> {
    return { files: [await fingerprintFile(this.#options.file)] };
  }

  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<Row>> {
    const size = integerOption('maxBatchSize', maxBatchSize, { min: 1 });
    let batch = newBatch();
    for await (const [number, line] of rejectedLines(this.#options.file)) {
      throwIfAborted(this.signal);
      if (!this.#isWanted(line)) {
        this.#options.carryOver.append([line]);
        batch.kept++;
      } else {
        batch.chunk.push(rowFromJson(line.row, line.types) as Row);
        batch.files.push(line.file ?? this.#options.file);
        batch.rowNumbers.push(line.rowNumber ?? number);
      }
      if (batch.chunk.length < size) continue;
      yield resultsOf(batch);
      batch = newBatch();
    }
    if (batch.chunk.length > 0 || batch.kept > 0) yield resultsOf(batch);
  }

  #isWanted({ row, load }: RejectedRow): boolean {
    const wanted = this.#options.load;
    return row !== undefined && (wanted === undefined || load === undefined || load === wanted);
  }
}

/** Reads a file of rejected rows line by line, each with its number, counted from 0. @throws {@link SourceError} */
export async function* rejectedLines(file: string): AsyncGenerator<[number: number, row: RejectedRow]> {
  const stream = createReadStream(file);
  const opened = new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve());
    stream.once('error', (cause) =>
      reject(
        new SourceError('GW_SOURCE_MISSING', `${file} cannot be read: ${cause.message}`, {
          cause,
          details: { file },
        }),
      ),
    );
  });
  await opened;
  let number = 0;
  for await (const text of createInterface({ input: stream })) {
    const row = rejectedRowOf(text);
    if (row) yield [number, row];
    else if (text.trim() !== '') {
      throw new SourceError(
        'GW_SOURCE_FORMAT',
        `${file}:${number + 1} is no rejected row; each line is a JSON object with at least \`stage\`, \`code\` and \`message\`.`,
        { details: { file, line: number + 1 } },
      );
    }
    number++;
  }
}

interface Batch {
  readonly chunk: Row[];
  readonly files: string[];
  readonly rowNumbers: number[];
  kept: number;
}

function newBatch(): Batch {
  return { chunk: [], files: [], rowNumbers: [], kept: 0 };
}

function resultsOf({ chunk, files, rowNumbers, kept }: Batch): BatchResults<Row> {
  return {
    chunk,
    batchSize: chunk.length,
    origin: { files, rowNumbers },
    statistics: { rejected_rows_read: chunk.length, ...(kept > 0 && { rejected_rows_kept: kept }) },
  };
}
