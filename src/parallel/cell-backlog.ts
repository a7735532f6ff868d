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

  /**
   * Takes the first rows, in the order in which they came; none from an empty cell.
   * @param maxRows From 1, at most batchSize, which is the default.
   */
  take(maxRows = this.#batchSize): CellRows<T> {
    const { items, files, rowNumbers } = this.#takeBlock(Math.min(maxRows, this.#count));
    this.#count -= items.length;
    const from = this.#given;
    this.#given += items.length;
    // Rows without an origin among others have no place in the lists, so then nothing is said.
    return files.length === items.length ? { items, from, origin: { files, rowNumbers } } : { items, from };
  }

  /** Takes so many rows, from several blocks where the first one is the rest of another take. */
  #takeBlock(rows: number): Block<T> {
    let taken = cut(this.#blocks, rows);
    while (taken.items.length < rows) {
      const more = cut(this.#blocks, rows - taken.items.length);
      const isKnown = [taken, more].every(({ items, files }) => files.length === items.length);
      taken = {
        items: taken.items.concat(more.items),
        files: isKnown ? taken.files.concat(more.files) : [],
        rowNumbers: isKnown ? taken.rowNumbers.concat(more.rowNumbers) : [],
      };
    }
    return taken;
  }
}

/** Takes the first block, or as many of its rows. */
function cut<T>(blocks: Block<T>[], rows: number): Block<T> {
  const [first] = blocks;
  if (!first) return { items: [], files: [], rowNumbers: [] };
  if (first.items.length <= rows) return blocks.shift()!;
  const isKnown = first.files.length === first.items.length;
  const items = first.items.splice(0, rows);
  if (isKnown)
    return { items, files: first.files.splice(0, rows), rowNumbers: first.rowNumbers.splice(0, rows) };
  // Which rows the origins belong to is not known, so none of the block has one.
  first.files.length = 0;
  first.rowNumbers.length = 0;
  return { items, files: [], rowNumbers: [] };
}
