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
      else batch.lines.push([number, line]);
      if (batch.lines.length < size) continue;
      yield await this.#resultsOf(batch);
      batch = newBatch();
    }
    if (batch.lines.length + batch.kept > 0) yield await this.#resultsOf(batch);
  }

  #isWanted({ load }: RejectedRow): boolean {
    const wanted = this.#options.load;
    return wanted === undefined || load === undefined || load === wanted;
  }

  #keep(batch: Batch, line: RejectedRow): void {
    this.#options.carryOver.carryOver([line]);
    batch.kept++;
  }

  /** In the order of the lines, whatever the size of a batch: a retry that goes on has to find its rows where they were. */
  async #resultsOf(batch: Batch): Promise<BatchResults<Row>> {
    const read = await this.#readMended(batch.lines.map(([, line]) => line).filter(isLine));
    const chunk: Row[] = [];
    const files: string[] = [];
    const rowNumbers: number[] = [];
    for (const [number, line] of batch.lines) {
      const row = read.get(line) ?? (rowFromJson(line.row, line.types) as Row);
      if (typeof row === 'string') {
        this.#keep(batch, { ...line, message: row });
        continue;
      }
      chunk.push(row);
      files.push(line.file ?? this.#options.file);
      // Where every record is one line, that is its row; the header is line 1.
      rowNumbers.push(isLine(line) ? line.lineNumber! - 2 : (line.rowNumber ?? number));
    }
    const { kept } = batch;
    return {
      chunk,
      batchSize: chunk.length,
      origin: { files, rowNumbers },
      statistics: { rejected_rows_read: chunk.length, ...(kept > 0 && { rejected_rows_kept: kept }) },
    };
  }

  /** Gives of each line its row, or what is still wrong with it. */
  async #readMended(mended: readonly MendedLine[]): Promise<ReadonlyMap<RejectedRow, Row | string>> {
    const read = new Map<RejectedRow, Row | string>();
    for (const lines of groupsOf(mended)) {
      const options = this.#options.lineOptions!(lines[0]!.load)!;
      const results = await readLines(this.context, lines, options);
      for (const [i, line] of lines.entries()) read.set(line, results[i]!);
    }
    return read;
  }
}

interface Batch {
  readonly lines: [number: number, line: RejectedRow][];
  kept: number;
}

function newBatch(): Batch {
  return { lines: [], kept: 0 };
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
