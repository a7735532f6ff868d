/**
 * What transactions cost: their rows times a log-normal factor of mean 1. The factor is drawn for the cell's n-th
 * transaction, so whole batches cost the same under every schedule. The bound is that of the costs that were charged.
 */
import { mulberry32 } from '../../test/support/ratings.ts';
import type { Split } from './split.ts';

/** Standard deviation of the factor's logarithm: one transaction in thirty takes twice the usual time. */
const SIGMA = 0.4;

export class Costs {
  readonly #tableSize: number;
  readonly #seed: number;
  /** By cell: transactions so far. */
  readonly #takes: Uint32Array;
  readonly #rowWork: Float64Array;
  /** Mono-partite the same as that of the rows. */
  readonly #colWork: Float64Array;
  #work = 0;

  constructor({ tableSize, monopartite }: Split, seed: number) {
    this.#tableSize = tableSize;
    this.#seed = seed;
    this.#takes = new Uint32Array(tableSize ** 2);
    this.#rowWork = new Float64Array(tableSize);
    this.#colWork = monopartite ? this.#rowWork : new Float64Array(tableSize);
  }

  /** Gives the service time of a cell's next rows. */
  charge(row: number, col: number, rows: number): number {
    const cell = row * this.#tableSize + col;
    const cost = rows * this.#factor(cell, this.#takes[cell]!++);
    this.#work += cost;
    this.#rowWork[row]! += cost;
    if (this.#colWork !== this.#rowWork || row !== col) this.#colWork[col]! += cost;
    return cost;
  }

  /** No schedule of what was charged is shorter (Gonzalez and Sahni, 1976): all work by the workers, the fullest bucket. */
  lowerBound(workers: number): number {
    return Math.max(this.#work / workers, ...this.#rowWork, ...this.#colWork);
  }

  #factor(cell: number, take: number): number {
    const random = mulberry32(Math.imul(cell + 1, 0x9e3779b1) ^ Math.imul(take + 1, 0x85ebca6b) ^ this.#seed);
    random(); // the first draws of neighbouring seeds are alike
    const z = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.exp(SIGMA * z - SIGMA ** 2 / 2);
  }
}
