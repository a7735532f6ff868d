import type { ListedOrigin } from '../core/batch-processor.ts';

/** Rows of a cell, and where they come from where that is known. */
export interface CellRows<T> {
  readonly items: readonly T[];
  readonly origin?: ListedOrigin;
}

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

  constructor(row: number, col: number, batchSize: number) {
    this.row = row;
    this.col = col;
    this.#batchSize = batchSize;
  }

  /** Rows that wait. */
  get count(): number {
    return this.#count;
  }

  push(item: T, file?: string, rowNumber?: number): void {
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
  }

  /** Takes the first rows, at most batchSize, in the order in which they came; none from an empty cell. */
  take(): CellRows<T> {
    const { items = [], files = [], rowNumbers = [] } = this.#blocks.shift() ?? {};
    this.#count -= items.length;
    // Rows without an origin among others have no place in the lists, so then nothing is said.
    return files.length === items.length ? { items, origin: { files, rowNumbers } } : { items };
  }
}
