import { type ListedOrigin, tableOf, withTable } from '../core/batch-processor.ts';
import { RowCursor, RowTable } from '../core/row-table.ts';

/** Rows of one cell that are written together, and where they come from where that is known. */
export interface Cell<T = unknown> {
  readonly row: number;
  readonly col: number;
  readonly items: readonly T[];
  /** Number of the first of them within the cell, counted from 0, where that is known. */
  readonly from?: number;
  readonly origin?: ListedOrigin;
  /** Gives the cell's claims back; only where the schedule has no waves, which then waits for it. */
  release?: () => void;
  /** Whether it is smaller than others because the first rows are still read: its time says nothing of theirs. */
  isEarly?: boolean;
}

/** Says how many rows of a cell are committed already. */
export type CommittedRows = (row: number, col: number) => number;

/** Rows as they came: objects, or by column. */
type Rows<T> = T[] | RowTable;

interface Block<T> {
  readonly rows: Rows<T>;
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
  push(item: T | RowCursor, file?: string, rowNumber?: number): boolean {
    if (this.#toSkip > 0) {
      this.#toSkip--;
      this.#given++;
      return false;
    }
    let last = this.#blocks.at(-1);
    if (!last || last.rows.length >= this.#batchSize || !add(last.rows, item)) {
      last = { rows: item instanceof RowCursor ? RowTable.of(item) : [item], files: [], rowNumbers: [] };
      this.#blocks.push(last);
    }
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
  take(maxRows = this.#batchSize): Cell<T> {
    const { rows, files, rowNumbers } = this.#takeBlock(Math.min(maxRows, this.#count));
    const { row, col } = this;
    const from = this.#given;
    this.#count -= rows.length;
    this.#given += rows.length;
    // Rows without an origin among others have no place in the lists, so then nothing is said.
    const isKnown = files.length === rows.length;
    const place = { row, col, from, ...(isKnown && { origin: { files, rowNumbers } }) };
    return rows instanceof RowTable ? withTable(place, 'items', rows) : { ...place, items: rows };
  }

  /** Takes so many rows, from several blocks where the first one is the rest of another take. */
  #takeBlock(count: number): Block<T> {
    let taken = cut(this.#blocks, count);
    while (taken.rows.length < count) {
      const more = cut(this.#blocks, count - taken.rows.length);
      const isKnown = [taken, more].every(({ rows, files }) => files.length === rows.length);
      taken = {
        rows: joined(taken.rows, more.rows),
        files: isKnown ? taken.files.concat(more.files) : [],
        rowNumbers: isKnown ? taken.rowNumbers.concat(more.rowNumbers) : [],
      };
    }
    return taken;
  }
}

/** Counts the rows of a cell, without looking at them. */
export function cellLength(cell: Cell): number {
  return tableOf(cell)?.length ?? cell.items.length;
}

/** Says whether the row is of the same kind as the others, and was added. */
function add<T>(rows: Rows<T>, item: T | RowCursor): boolean {
  const isTable = rows instanceof RowTable;
  if (item instanceof RowCursor) return isTable && rows.push(item);
  if (!isTable) rows.push(item);
  return !isTable;
}

function joined<T>(a: Rows<T>, b: Rows<T>): Rows<T> {
  if (a instanceof RowTable && b instanceof RowTable && a.layout === b.layout) return a.concat(b);
  const listed = (rows: Rows<T>) => (rows instanceof RowTable ? (rows.rows() as T[]) : rows);
  return listed(a).concat(listed(b));
}

/** Takes the first block, or as many of its rows. */
function cut<T>(blocks: Block<T>[], count: number): Block<T> {
  const [first] = blocks;
  if (!first) return { rows: [], files: [], rowNumbers: [] };
  if (first.rows.length <= count) return blocks.shift()!;
  const isKnown = first.files.length === first.rows.length;
  const rows = first.rows instanceof RowTable ? first.rows.shift(count) : first.rows.splice(0, count);
  if (isKnown)
    return { rows, files: first.files.splice(0, count), rowNumbers: first.rowNumbers.splice(0, count) };
  // Which rows the origins belong to is not known, so none of the block has one.
  first.files.length = 0;
  first.rowNumbers.length = 0;
  return { rows, files: [], rowNumbers: [] };
}
