import { BatchProcessor, type BatchProcessorOptions, type BatchResults } from '../core/batch-processor.ts';
import type { TaskContext } from '../core/context.ts';
import { throwIfAborted } from '../core/errors.ts';
import { integerOption } from '../core/options.ts';
import { rowFromJson } from '../core/row-types.ts';
import type { RejectedRow, RejectedRows } from '../sinks/rejected-rows.ts';
import type { Row } from './duckdb.ts';
import { fingerprintFile } from './file-fingerprint.ts';
import { isLine, type LineOptions, type MendedLine, readLines } from './mended-lines.ts';
import { rejectedLines } from './rejected-lines.ts';

export interface RejectedRowsSourceOptions extends Pick<BatchProcessorOptions<never>, 'task'> {
  /** A file of rejected rows. */
  readonly file: string;
  /** The load whose rows are wanted; lines that name another one are carried over. Default: all of them. */
  readonly load?: string | undefined;
  /** How the load that rejected a line read it. Default: nobody knows, and lines are carried over. */
  readonly lineOptions?: ((load: string | undefined) => LineOptions | undefined) | undefined;
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
      const isLost = isLine(line) ? !this.#options.lineOptions?.(line.load) : line.row === undefined;
      if (isLost || !this.#isWanted(line)) this.#keep(batch, line);
      else if (isLine(line)) batch.lines.push(line);
      else this.#add(batch, line, rowFromJson(line.row, line.types) as Row, number);
      if (batch.chunk.length + batch.lines.length < size) continue;
      yield await this.#resultsOf(batch);
      batch = newBatch();
    }
    if (batch.chunk.length + batch.lines.length + batch.kept > 0) yield await this.#resultsOf(batch);
  }

  #isWanted({ load }: RejectedRow): boolean {
    const wanted = this.#options.load;
    return wanted === undefined || load === undefined || load === wanted;
  }

  #keep(batch: Batch, line: RejectedRow): void {
    this.#options.carryOver.append([line]);
    batch.kept++;
  }

  #add(
    { chunk, files, rowNumbers }: Batch,
    { file, rowNumber }: RejectedRow,
    row: Row,
    number: number,
  ): void {
    chunk.push(row);
    files.push(file ?? this.#options.file);
    rowNumbers.push(rowNumber ?? number);
  }

  async #resultsOf(batch: Batch): Promise<BatchResults<Row>> {
    for (const lines of groupsOf(batch.lines)) {
      const options = this.#options.lineOptions!(lines[0]!.load)!;
      for (const [i, row] of (await readLines(this.context, lines, options)).entries()) {
        const line = lines[i]!;
        // Where every record is one line, that is its row; the header is line 1.
        if (typeof row !== 'string') this.#add(batch, line, row, line.lineNumber! - 2);
        else this.#keep(batch, { ...line, message: row });
      }
    }
    const { chunk, files, rowNumbers, kept } = batch;
    return {
      chunk,
      batchSize: chunk.length,
      origin: { files, rowNumbers },
      statistics: { rejected_rows_read: chunk.length, ...(kept > 0 && { rejected_rows_kept: kept }) },
    };
  }
}

interface Batch {
  readonly chunk: Row[];
  readonly files: string[];
  readonly rowNumbers: number[];
  /** Malformed lines that are still to be read. */
  readonly lines: MendedLine[];
  kept: number;
}

function newBatch(): Batch {
  return { chunk: [], files: [], rowNumbers: [], lines: [], kept: 0 };
}

/** Lines of the same load and columns. */
function groupsOf(lines: readonly MendedLine[]): Iterable<readonly MendedLine[]> {
  const groups = new Map<string, MendedLine[]>();
  for (const line of lines) {
    const id = JSON.stringify([line.load, line.columns]);
    const group = groups.get(id) ?? [];
    groups.set(id, group);
    group.push(line);
  }
  return groups.values();
}
