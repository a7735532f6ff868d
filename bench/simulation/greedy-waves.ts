/** A baseline: waves without fixed groups. Each is filled greedily with the fullest cells that share no bucket. */
import type { GridShape } from '../../src/parallel/grid.ts';

export class GreedyWaves {
  readonly #tableSize: number;
  readonly #monopartite: boolean;
  readonly #batchSize: number;
  /** By row × tableSize + column: rows that wait. */
  readonly #waiting: Uint32Array;
  #full = 0;
  rows = 0;

  constructor({ tableSize, monopartite }: GridShape, batchSize: number) {
    this.#tableSize = tableSize;
    this.#monopartite = monopartite;
    this.#batchSize = batchSize;
    this.#waiting = new Uint32Array(tableSize * tableSize);
  }

  push(cell: number): void {
    this.rows++;
    if (++this.#waiting[cell]! === this.#batchSize) this.#full++;
  }

  /** Takes a wave; none where fewer cells than asked for hold the rows asked for. */
  take(minCells: number, minRows: number): readonly (readonly [row: number, col: number, rows: number])[] {
    if (this.rows === 0 || (minRows === this.#batchSize && this.#full < minCells)) return [];
    const claimedRows = new Set<number>();
    const claimedCols = this.#monopartite ? claimedRows : new Set<number>();
    const fullest = [...this.#waiting.keys()]
      .filter((cell) => this.#waiting[cell]! >= minRows)
      .sort((a, b) => this.#waiting[b]! - this.#waiting[a]!);
    const wave: number[] = [];
    for (const cell of fullest) {
      const row = Math.floor(cell / this.#tableSize);
      const col = cell % this.#tableSize;
      if (claimedRows.has(row) || claimedCols.has(col)) continue;
      claimedRows.add(row);
      claimedCols.add(col);
      wave.push(cell);
    }
    if (wave.length < minCells) return [];
    return wave.map((cell) => {
      const before = this.#waiting[cell]!;
      const rows = Math.min(before, this.#batchSize);
      this.#waiting[cell]! -= rows;
      if (before >= this.#batchSize && before - rows < this.#batchSize) this.#full--;
      this.rows -= rows;
      return [Math.floor(cell / this.#tableSize), cell % this.#tableSize, rows] as const;
    });
  }
}
