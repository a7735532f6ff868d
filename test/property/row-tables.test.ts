/** Rows that come by column are split like rows that come as objects, and end in the same cells. */
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BatchResults,
  type BatchSource,
  recycled,
  rowAt,
  tableBatch,
  tableOf,
} from '../../src/core/batch-processor.ts';
import type { Cell } from '../../src/parallel/cell-backlog.ts';
import { dictIdExtractor, type IdExtractor } from '../../src/parallel/id-extractors.ts';
import { ParallelBatchProcessor } from '../../src/parallel/parallel-batch-processor.ts';
import { type ScheduleKind, SplittingBatchProcessor } from '../../src/parallel/splitting-batch-processor.ts';
import { tableOfRows } from '../support/row-tables.ts';
import { testContext } from '../unit/core/test-context.ts';

type Row = { readonly start: number; readonly end: string; readonly n: number };

/** How a batch comes: as objects, by column, by column in another order, by column and looked at. */
const FORMS = ['objects', 'table', 'turned', 'looked at'] as const;
type Form = (typeof FORMS)[number];

function batchOf(rows: readonly Row[], form: Form, firstRow: number): BatchResults<Row> {
  const details = { statistics: { read: rows.length }, origin: { file: 'a.csv', firstRow } };
  if (form === 'objects' || rows.length === 0) return { ...details, chunk: rows, batchSize: rows.length };
  const turned = rows.map(({ start, end, n }) => ({ n, end, start }));
  const batch = tableBatch<Row>(tableOfRows(form === 'turned' ? turned : rows), details);
  if (form === 'looked at') expect(batch.chunk).toHaveLength(rows.length);
  return batch;
}

function sourceOf(batches: readonly (readonly Row[])[], formOf: (batch: number) => Form): BatchSource<Row> {
  return {
    async *getBatch() {
      let firstRow = 0;
      for (const [i, rows] of batches.entries()) {
        yield batchOf(rows, formOf(i), firstRow);
        firstRow += rows.length;
      }
    },
  };
}

const batchesOfRows = fc
  .array(fc.array(fc.tuple(fc.nat(12), fc.nat(12)), { maxLength: 25 }), { maxLength: 12 })
  .map((batches) => {
    let n = 0;
    return batches.map((pairs) =>
      pairs.map(([start, end]) => ({ start, end: `e${end}${' long'.repeat(end % 4)}`, n: n++ })),
    );
  });

function splitterOf(
  predecessor: BatchSource<Row>,
  schedule: ScheduleKind,
  idExtractor: IdExtractor<Row> = dictIdExtractor({ tableSize: 3 }) as unknown as IdExtractor<Row>,
) {
  return new SplittingBatchProcessor<Row>(testContext(), {
    ...{ predecessor, schedule, idExtractor, tableSize: 3 },
    committed: (row, col) => row + col,
  });
}

/** Batches, their forms in turn, and rows a cell gives at a time. */
const SCENARIO = [
  batchesOfRows,
  fc.array(fc.constantFrom(...FORMS), { minLength: 1, maxLength: 6 }),
  fc.integer({ min: 1, max: 6 }),
] as const;

describe('rows by column', () => {
  it('come out of waves in the cells, the order and with the origins of rows as objects', () =>
    fc.assert(
      fc.asyncProperty(...SCENARIO, async (batches, forms, size) => {
        const cellsOf = async (formOf: (batch: number) => Form) => {
          const cells: Cell<Row>[][] = [];
          for await (const { chunk } of splitterOf(sourceOf(batches, formOf), 'waves').getBatch(size))
            cells.push([...chunk]);
          return cells;
        };
        const expected = await cellsOf(() => 'objects');
        expect(await cellsOf((batch) => forms[batch % forms.length]!)).toEqual(expected);
      }),
    ));

  it('reach the workers, by column as far as they came so, each once', () =>
    fc.assert(
      fc.asyncProperty(...SCENARIO, async (batches, forms, size) => {
        const seen: { n: number; rowNumber: number; place: string }[] = [];
        const parallel = new ParallelBatchProcessor<Row>(testContext(), {
          predecessor: splitterOf(
            sourceOf(batches, (b) => forms[b % forms.length]!),
            'claims',
          ),
          workerFactory: (cell) => ({
            async *getBatch(maxBatchSize) {
              for await (const batch of cell.getBatch(maxBatchSize)) {
                if (forms.every((form) => form === 'table')) expect(tableOf(batch)).toBeDefined();
                if (forms.every((form) => form === 'objects')) expect(tableOf(batch)).toBeUndefined();
                const { row, col, from } = batch.position!;
                for (const [i, { n }] of batch.chunk.entries()) {
                  const { rowNumbers } = batch.origin as { readonly rowNumbers: readonly number[] };
                  seen.push({ n, rowNumber: rowNumbers[i]!, place: `${row} ${col} ${from + i}` });
                }
                yield batch;
              }
            },
          }),
        });
        const out: Row[] = [];
        for await (const { chunk } of parallel.getBatch(size)) out.push(...chunk);
        const bySource = <T extends { n: number }>(rows: readonly T[]) => rows.toSorted((a, b) => a.n - b.n);
        expect(seen.every(({ n, rowNumber }) => n === rowNumber)).toBe(true);
        expect(new Set(seen.map(({ place }) => place)).size).toBe(seen.length);
        expect(bySource(out).map(({ n }) => n)).toEqual(bySource(seen).map(({ n }) => n));
        expect(bySource(out)).toEqual(batches.flat().filter(({ n }) => seen.some((one) => one.n === n)));
        const skipped = batches.flat().length - seen.length;
        expect(skipped).toBeLessThanOrEqual(3 * (0 + 1 + 2) + 3 * 3); // what `committed` says of nine cells
      }),
    ));

  it('reach the workers whole where the memory of each batch is used again', () =>
    fc.assert(
      fc.asyncProperty(...SCENARIO, async (batches, forms, size) => {
        const seen: { row: Row; rowNumber: number }[] = [];
        const parallel = new ParallelBatchProcessor<Row>(testContext(), {
          predecessor: splitterOf(recycled(sourceOf(batches, (b) => forms[b % forms.length]!)), 'claims'),
          workerFactory: (cell) => ({
            async *getBatch(maxBatchSize) {
              for await (const batch of recycled(cell).getBatch(maxBatchSize)) {
                const { rowNumbers } = batch.origin as { readonly rowNumbers: readonly number[] };
                await setImmediate(); // others are at work meanwhile
                for (const [i, rowNumber] of rowNumbers.entries())
                  seen.push({ row: { ...rowAt(batch, i) }, rowNumber });
                yield batch;
              }
            },
          }),
        });
        for await (const { statistics } of parallel.getBatch(size)) expect(statistics).toBeDefined();
        const rows = batches.flat();
        expect(seen.map(({ row }) => row)).toEqual(seen.map(({ rowNumber }) => rows[rowNumber]));
        expect(new Set(seen.map(({ rowNumber }) => rowNumber)).size).toBe(seen.length);
        expect(rows.length - seen.length).toBeLessThanOrEqual(18);
      }),
    ));

  it('are given to an extractor of somebody else as objects of their own', async () => {
    const kept: Row[] = [];
    const keeping = (row: Row) => {
      kept.push(row);
      return [row.start, 0] as const;
    };
    const rows = [0, 1, 2].map((n) => ({ start: n, end: 'x', n }));
    for await (const { batchSize } of splitterOf(
      sourceOf([rows], () => 'table'),
      'claims',
      keeping,
    ).getBatch(9))
      expect(batchSize).toBeLessThan(4);
    expect(kept).toEqual(rows);
    expect(kept.map((row) => Object.getPrototypeOf(row))).toEqual(rows.map(() => Object.prototype));
  });

  it('are named as objects when a key is at fault', async () => {
    const bad = { start: 1, end: null as unknown as string, n: 1 };
    const run = async () => {
      for await (const _ of splitterOf(
        sourceOf([[{ ...bad, end: 'x' }, bad]], () => 'table'),
        'claims',
      ).getBatch(9));
    };
    await expect(run()).rejects.toMatchObject({
      code: 'GW_SPLIT_KEY',
      message: expect.stringMatching(/Key `end` is null in the row \{.*start.*1.*\}/),
      details: { item: bad },
    });
  });
});
