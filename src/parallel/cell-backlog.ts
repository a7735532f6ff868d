import type { ListedOrigin } from '../core/batch-processor.ts';

/** Rows of a cell, and where they come from where that is known. */
export interface CellRows<T> {
  readonly items: readonly T[];
  /** Number of the first of them within the cell, counted from 0, where that is known. */
  readonly from?: number;
  readonly origin?: ListedOrigin;
}

/** Says how many rows of a cell are committed already. */
export type CommittedRows = (row: number, col: number) => number;

interface Block<T> {
  readonly items: T[];
  readonly files: string[];
  readonly rowNumbers: number[];
}

/** The rows of one cell in blocks of batchSize, the last one shorter: taking a batch is then a shift, not a copy. */
export class CellBacklog<T> {
  readonly row: number;
  readonly col: number;
  readonly #batchSize: number;
  readonly #blocks: Block<T>[] = [];
  #count = 0;
  /** Rows that were given, or skipped. */
  #given = 0;
  #toSkip: number;

  /** @param committed Its first rows are in the database already, and are not given again. */
  constructor(row: number, col: number, batchSize: number, committed = 0) {
    this.row = row;
    this.col = col;
    this.#batchSize = batchSize;
    this.#toSkip = committed;
  }

  /** Rows that wait. */
  get count(): number {
    return this.#count;
  }

  /** Says whether the row waits now; one that is committed already does not. */
  push(item: T, file?: string, rowNumber?: number): boolean {
    if (this.#toSkip > 0) {
      this.#toSkip--;
      this.#given++;
      return false;
    }
    let last = this.#blocks.at(-1);
    if (!last || last.items.length >= this.#batchSize) {
      last = { items: [], files: [], rowNumbers: [] };
      this.#blocks.push(last);
    }
    last.items.push(item);
    if (file !== undefined && rowNumber !== undefined) {
      last.files.push(file);
      last.rowNumbers.push(rowNumber);
    }
    this.#count++;
    return true;
  }

  /** Takes the first rows, at most batchSize, in the order in which they came; none from an empty cell. */
  take(): CellRows<T> {
    const { items = [], files = [], rowNumbers = [] } = this.#blocks.shift() ?? {};
    this.#count -= items.length;
    const from = this.#given;
    this.#given += items.length;
    // Rows without an origin among others have no place in the lists, so then nothing is said.
    return files.length === items.length ? { items, from, origin: { files, rowNumbers } } : { items, from };
  }
}
