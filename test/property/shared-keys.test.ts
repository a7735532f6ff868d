import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BatchResults } from '../../src/core/batch-processor.ts';
import { mappingExtractor } from '../../src/mapping/mapping-extractor.ts';
import { planSplit } from '../../src/parallel/balanced-buckets.ts';
import type { Cell } from '../../src/parallel/cell-backlog.ts';
import { keyBucket } from '../../src/parallel/id-extractors.ts';
import { hubsOf, pairBucket, withoutKeys } from '../../src/parallel/shared-keys.ts';
import { SplittingBatchProcessor } from '../../src/parallel/splitting-batch-processor.ts';
import { arraySource } from '../../src/testing/chain.ts';
import { testContext } from '../../src/testing/test-context.ts';

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly n: number;
}

interface Star {
  readonly tableSize: number;
  readonly batchSize: number;
  readonly isOneSpace: boolean;
  readonly hasEnd: boolean;
  readonly hubs: ReadonlySet<string>;
  readonly edges: readonly Edge[];
  /** Which of the running cells ends next, in turn. */
  readonly order: readonly number[];
}

const star: fc.Arbitrary<Star> = fc
  .record({
    tableSize: fc.integer({ min: 1, max: 6 }),
    batchSize: fc.integer({ min: 1, max: 4 }),
    isOneSpace: fc.boolean(),
    hasEnd: fc.boolean(),
    hubs: fc.subarray(['0', '1', '2']).map((keys) => new Set(keys)),
    ends: fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 80, size: 'max' }),
    order: fc.array(fc.nat(7), { minLength: 1, maxLength: 20 }),
  })
  .map(({ ends, ...rest }) => ({ ...rest, edges: ends.map(([from, to], n) => ({ from, to, n })) }));

function extractorFor({ tableSize, isOneSpace, hasEnd, hubs }: Star) {
  const claim = (name: string, space: number) => ({ space, keys: [{ name, source: name }] });
  const claims = [claim('from', 0), ...(hasEnd ? [claim('to', isOneSpace ? 0 : 1)] : [])];
  return mappingExtractor({ claims }, tableSize, undefined, (key) => hubs.has(String(key)));
}

/** Keeps up to four cells at work, ends them in the order of the scenario, and gives the batches as they were started. */
async function run(given: Star): Promise<readonly Cell<Edge>[]> {
  const { tableSize, batchSize, hasEnd, isOneSpace, hubs, edges, order } = given;
  const extractor = extractorFor(given);
  const splitter = new SplittingBatchProcessor<Edge>(testContext(), {
    predecessor: arraySource(edges),
    tableSize,
    schedule: 'claims',
    idExtractor: extractor as unknown as (edge: Edge) => readonly [number, number],
    monopartite: extractor.monopartite ?? false,
  });
  const started: Cell<Edge>[] = [];
  const running: Cell<Edge>[] = [];
  const cells = splitter.getBatch(batchSize);
  let asked: Promise<IteratorResult<BatchResults<Cell<Edge>>>> | undefined;
  const end = (turn: number) => {
    const [cell] = running.splice(order[turn % order.length]! % running.length, 1);
    cell!.release?.();
  };
  for (let turn = 0; ; turn++) {
    asked ??= cells.next();
    // A splitter that has nothing to give answers only once a cell has ended.
    const answer = await Promise.race([asked, pause()]);
    if (!answer) {
      if (running.length > 0) end(turn);
      continue;
    }
    asked = undefined;
    if (answer.done) break;
    for (const cell of answer.value.chunk) {
      for (const other of running) {
        expect([cell.row, cell.col]).not.toEqual([other.row, other.col]);
        for (const edge of cell.items) {
          // No two writers at once on a node, unless it is a hub.
          for (const { from, to } of other.items) {
            if (!hubs.has(String(edge.from))) expect(edge.from).not.toBe(from);
            if (!hasEnd) continue;
            if (!hubs.has(String(edge.to))) expect(edge.to).not.toBe(to);
            if (isOneSpace && !hubs.has(String(edge.from))) expect(edge.from).not.toBe(to);
            if (isOneSpace && !hubs.has(String(edge.to))) expect(edge.to).not.toBe(from);
          }
        }
      }
      started.push(cell);
      running.push(cell);
    }
    if (running.length === 4) end(turn);
  }
  while (running.length > 0) end(0);
  return started;
}

const pause = () => new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)));

describe('rows of shared keys', () => {
  it('run beside each other, never two cells on a node that is no hub, every row once and in the order of its cell', async () => {
    await fc.assert(
      fc.asyncProperty(star, async (given) => {
        const cells = await run(given);
        const rows = cells.flatMap(({ items }) => items.map(({ n }) => n));
        expect([...rows].sort((a, b) => a - b)).toEqual(given.edges.map(({ n }) => n));
        const byCell = new Map<string, number[]>();
        for (const { row, col, items } of cells) {
          const own = byCell.get(`${row},${col}`) ?? [];
          own.push(...items.map(({ n }) => n));
          byCell.set(`${row},${col}`, own);
        }
        for (const own of byCell.values()) expect(own).toEqual([...own].sort((a, b) => a - b));
      }),
      { numRuns: 100 },
    );
  });

  it('land in the same cells whenever the same rows are split, and a pair in one cell in either direction', () => {
    fc.assert(
      fc.property(star, (given) => {
        const [once, again] = [extractorFor(given), extractorFor(given)];
        for (const edge of given.edges) expect(once({ ...edge })).toEqual(again({ ...edge }));
        for (const { from, to } of given.edges) {
          const bucket = pairBucket(from, to, given.tableSize);
          expect(bucket).toBe(pairBucket(String(to), from, given.tableSize));
          expect(bucket >= 0 && bucket < given.tableSize).toBe(true);
        }
      }),
    );
  });
});

describe('hubsOf', () => {
  it('finds the keys with more than half a worker’s share, and a plan counts their rows to no bucket', () => {
    const counts = {
      heavy: [
        ['hub', 600],
        ['big', 126],
        ['half', 125],
        ['b', 10],
      ] as [string, number][],
      totalRows: 1_000,
    };
    const shared = hubsOf(counts, 1_000, 8);
    expect(shared).toEqual([
      ['hub', 600],
      ['big', 126],
    ]);
    expect(withoutKeys(counts, shared)).toEqual({
      heavy: [
        ['half', 125],
        ['b', 10],
      ],
      totalRows: 274,
    });
    const bucketOf = (key: unknown) => keyBucket(String(key), 8);
    const settings = { workers: 4, tableSize: 8, totalRows: 1_000, buckets: 'hash' } as const;
    expect(planSplit([{ side: 'end', counts, bucketOf, shared }], settings)).toMatchObject({
      lowerBoundRows: 250,
      limitingBucket: undefined,
      expectedSpeedup: 4,
      hubs: [{ key: 'hub', isShared: true }],
      sharedKeys: [
        { side: 'end', key: 'hub', rows: 600 },
        { side: 'end', key: 'big', rows: 126 },
      ],
    });
  });
});
