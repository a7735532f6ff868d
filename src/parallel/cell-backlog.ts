/** The rows of one cell in blocks of batchSize, the last one shorter: taking a batch is then a shift, not a copy. */
export class CellBacklog<T> {
  readonly row: number;
  readonly col: number;
  readonly #batchSize: number;
  readonly #blocks: T[][] = [];
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

  push(item: T): void {
    const last = this.#blocks.at(-1);
    if (last && last.length < this.#batchSize) last.push(item);
    else this.#blocks.push([item]);
    this.#count++;
  }

  /** Takes the first rows, at most batchSize, in the order in which they came; none from an empty cell. */
  take(): readonly T[] {
    const items = this.#blocks.shift() ?? [];
    this.#count -= items.length;
    return items;
  }
}
