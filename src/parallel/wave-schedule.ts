/**
 * The specification's schedule: rows wait in their cell, and a group of cells is emitted as one wave.
 *
 * Invariants: rows leave a cell in the order in which they came; every row leaves once; no two cells of a wave share a
 * bucket; once `push` has answered and the group that it named was taken, no cell holds more than
 * burstFactor × batchSize rows.
 *
 * | a group is due | because |
 * |---|---|
 * | on the push that fills its last cell | every one of its cells holds at least batchSize rows |
 * | on the push that takes a cell past burstFactor × batchSize | the backlog must not grow |
 * | at the end, while it holds rows | leftovers |
 */
import type { RowCursor } from '../core/row-table.ts';
import { type Cell, CellBacklog, type CommittedRows, cellLength } from './cell-backlog.ts';
import { cellsOfGroup, type GridShape, groupOf } from './grid.ts';

export interface WaveScheduleOptions extends GridShape {
  /** Rows that a cell gives to one wave at most. */
  readonly batchSize: number;
  readonly burstFactor: number;
  /** Rows at the beginning of a cell that are committed already; they are not given again. Default: none. */
  readonly committed?: CommittedRows | undefined;
}

/** Is pure and incremental: a push costs O(1), a wave O(tableSize). Memory: the rows that wait. */
export class WaveSchedule<T> {
  readonly #options: WaveScheduleOptions;
  /** Cells that have ever held rows, by row × tableSize + col. */
  readonly #cells = new Map<number, CellBacklog<T>>();
  /** By group: its cells that hold at least batchSize rows. */
  readonly #fullCells: number[];
  /** By group: how many cells it has. */
  readonly #cellCount: readonly number[];
  /** By group: rows that wait. */
  readonly #waiting: number[];
  #rows = 0;
  #skippedRows = 0;

  constructor(options: WaveScheduleOptions) {
    this.#options = options;
    const groups = Array.from({ length: options.tableSize }, (_, group) => group);
    this.#fullCells = groups.map(() => 0);
    this.#waiting = groups.map(() => 0);
    this.#cellCount = groups.map((group) => cellsOfGroup(options, group).length);
  }

  /** Rows that wait in all cells. */
  get rows(): number {
    return this.#rows;
  }

  /** Rows that were pushed and are committed already. */
  get skippedRows(): number {
    return this.#skippedRows;
  }

  /** Puts an item into its cell and names the group that is due because of it, if one is. */
  push(row: number, col: number, item: T | RowCursor, file?: string, rowNumber?: number): number | undefined {
    const { batchSize, burstFactor, monopartite } = this.#options;
    const cell = monopartite && row > col ? this.#cell(col, row) : this.#cell(row, col);
    if (!cell.push(item, file, rowNumber)) {
      this.#skippedRows++;
      return undefined;
    }
    this.#rows++;
    const group = groupOf(this.#options, row, col);
    this.#waiting[group]!++;
    if (cell.count === batchSize) this.#fullCells[group]!++;
    const isFull = this.#fullCells[group] === this.#cellCount[group];
    return isFull || cell.count > burstFactor * batchSize ? group : undefined;
  }

  /** Names the next group that holds rows, or undefined when none is left. */
  nextLeftover(): number | undefined {
    const group = this.#waiting.findIndex((rows) => rows > 0);
    return group < 0 ? undefined : group;
  }

  /** Takes at most batchSize rows from each cell of the group; cells without rows are left out. */
  take(group: number): readonly Cell<T>[] {
    const { batchSize, tableSize } = this.#options;
    const wave: Cell<T>[] = [];
    for (const [row, col] of cellsOfGroup(this.#options, group)) {
      const cell = this.#cells.get(row * tableSize + col);
      if (!cell || cell.count === 0) continue;
      const wasFull = cell.count >= batchSize;
      const taken = cell.take();
      const length = cellLength(taken);
      if (wasFull && cell.count < batchSize) this.#fullCells[group]!--;
      this.#rows -= length;
      this.#waiting[group]! -= length;
      wave.push(taken);
    }
    return wave;
  }

  #cell(row: number, col: number): CellBacklog<T> {
    const index = row * this.#options.tableSize + col;
    let cell = this.#cells.get(index);
    if (!cell) {
      const { batchSize, committed } = this.#options;
      cell = new CellBacklog(row, col, batchSize, committed?.(row, col));
      this.#cells.set(index, cell);
    }
    return cell;
  }
}
