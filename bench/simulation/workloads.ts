/** Which two keys each row has: drawn from a seeded distribution, or the real flights in their own order. */
import { DuckDBInstance } from '@duckdb/node-api';
import type { NodeKey } from 'graphweft';
import { mulberry32 } from '../../test/support/ratings.ts';
import { vegaDataset } from '../workloads/vega-datasets.ts';

export const WORKLOAD_NAMES = ['uniform', 'zipf 0.8', 'zipf 1.0', 'zipf 1.2', 'flights'] as const;
export type WorkloadName = (typeof WORKLOAD_NAMES)[number];

/** The key of row i's start is `startKeys[starts[i]]`, and so for its end; mono-partite both lists are one. */
export interface Workload {
  readonly name: WorkloadName;
  readonly monopartite: boolean;
  readonly startKeys: readonly NodeKey[];
  readonly endKeys: readonly NodeKey[];
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** As many users and movies as the ratings of `bench/peers` have. */
const START_KEYS = 100_000;
const END_KEYS = 10_000;

/** @param rows Rows of the drawn workloads; the flights are all 3 M. */
export async function workload(name: WorkloadName, rows: number, seed: number): Promise<Workload> {
  if (name === 'flights') return flights();
  const exponent = name === 'uniform' ? 0 : Number(name.slice('zipf '.length));
  const random = mulberry32(seed);
  const draw = [zipf(START_KEYS, exponent, random), zipf(END_KEYS, exponent, random)] as const;
  const starts = new Uint32Array(rows);
  const ends = new Uint32Array(rows);
  for (let i = 0; i < rows; i++) {
    starts[i] = draw[0]();
    ends[i] = draw[1]();
  }
  const upTo = (size: number) => Array.from({ length: size }, (_, key) => key);
  return { name, monopartite: false, startKeys: upTo(START_KEYS), endKeys: upTo(END_KEYS), starts, ends };
}

/** Draws key k, from 0, with a probability in proportion to 1 / (k + 1)^exponent. */
function zipf(size: number, exponent: number, random: () => number): () => number {
  const upTo = new Float64Array(size);
  let total = 0;
  for (let key = 0; key < size; key++) {
    total += 1 / (key + 1) ** exponent;
    upTo[key] = total;
  }
  return () => {
    const x = random() * total;
    let low = 0;
    let high = size - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (upTo[middle]! > x) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

async function flights(): Promise<Workload> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const keys: string[] = [];
  const indices = new Map<string, number>();
  const indexOf = (key: string): number => {
    let index = indices.get(key);
    if (index === undefined) {
      index = keys.push(key) - 1;
      indices.set(key, index);
    }
    return index;
  };
  const starts: number[] = [];
  const ends: number[] = [];
  const result = await connection.stream(
    `SELECT origin, destination FROM read_parquet('${vegaDataset('flights-3m.parquet')}')`,
  );
  for (
    let chunk = await result.fetchChunk();
    chunk && chunk.rowCount > 0;
    chunk = await result.fetchChunk()
  ) {
    for (const origin of chunk.getColumnValues(0)) starts.push(indexOf(String(origin)));
    for (const destination of chunk.getColumnValues(1)) ends.push(indexOf(String(destination)));
  }
  connection.closeSync();
  instance.closeSync();
  return {
    name: 'flights',
    monopartite: true,
    startKeys: keys,
    endKeys: keys,
    starts: Uint32Array.from(starts),
    ends: Uint32Array.from(ends),
  };
}
