import { describe, expect, it } from 'vitest';
import {
  amendBatch,
  type BatchResults,
  pickRows,
  rowAt,
  rowCount,
  tableBatch,
  tableOf,
} from '../../../src/core/batch-processor.ts';
import { RowLayout, RowTable, SPARE_WORDS } from '../../../src/core/row-table.ts';
import { tableOf as columnsOf, tableOfRows } from '../../support/row-tables.ts';

const ROWS = Array.from({ length: 5 }, (_, i) => ({ id: i, name: `name ${i}` }));
type Row = (typeof ROWS)[number];

describe('RowTable', () => {
  it('makes rows as they were, whatever the columns are called', () => {
    const names = ['__proto__', 'constructor', 'toString', 'at', 'a "quoted" \\ name', '', 'layout'];
    const columns = names.map(
      (name) => [name, { kind: 'list', values: [`${name} 0`, `${name} 1`] }] as const,
    );
    const table = columnsOf(Object.fromEntries(columns));
    const look = table.look();
    for (const i of [1, 0]) {
      const row = table.rowAt(i);
      expect(Object.entries(row)).toEqual(names.map((name) => [name, `${name} ${i}`]));
      expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
      const cursor = look(i) as unknown as Record<string, unknown>;
      expect(names.map((name) => cursor[name])).toEqual(names.map((name) => `${name} ${i}`));
    }
  });

  it('takes in rows of its own layout alone', () => {
    const table = tableOfRows(ROWS.slice(0, 1));
    expect(table.push(tableOfRows(ROWS).look()(3))).toBe(true);
    expect(table.push(tableOfRows([{ name: 'x', id: 1 }]).look()(0))).toBe(false);
    expect(table.push(tableOfRows([{ id: 1, name: true }]).look()(0))).toBe(false);
    expect(table.rows()).toEqual([ROWS[0], ROWS[3]]);
  });

  it('gives its memory to the next table, and has no rows then', () => {
    const first = tableOfRows(ROWS);
    const { words } = first.place(0);
    first.release();
    expect(first.rows()).toEqual([]);
    const second = tableOfRows(ROWS.slice(2));
    expect(second.place(0).words).toBe(words);
    first.release(); // nothing is left to give
    expect(tableOfRows(ROWS).place(0).words).not.toBe(words);
    expect(second.rows()).toEqual(ROWS.slice(2));
    second.release();
    SPARE_WORDS.clear();
    expect(tableOfRows(ROWS).place(0).words).not.toBe(words);
  });

  it('forgets long texts with the rows that have them, and keeps one that comes again once', () => {
    const row = (i: number) => ({ id: i, name: `a name of more than twelve bytes, number ${i}` });
    const next = tableOfRows(Array.from({ length: 20_000 }, (_, i) => row(i))).look();
    const waiting = tableOfRows([row(-1)]);
    for (let i = 0; i < 20_000; i++) {
      waiting.push(next(i));
      if (i % 100 === 99) waiting.shift(waiting.length - 1);
    }
    expect(waiting.rows()).toEqual([row(19_999)]);
    expect(waiting.place(1).bytes.length).toBeLessThanOrEqual(64);
    const same = tableOfRows(Array.from({ length: 20_000 }, (_, i) => row(i % 3)));
    expect(same.rows().slice(-3)).toEqual([row(0), row(1), row(2)].map((_, i) => row((19_997 + i) % 3)));
    expect(same.place(1).bytes.length).toBeLessThanOrEqual(8_192);
    const { bytes } = same.place(1);
    same.release();
    const later = tableOfRows(Array.from({ length: 20_000 }, (_, i) => row(i % 2)));
    expect(later.place(1).bytes.buffer).toBe(bytes.buffer);
    SPARE_WORDS.clear();
  });

  it('keeps no more memory than a bound for tables to come, and first lets go of what is asked for least', () => {
    const layout = RowLayout.of(['n'], ['number']);
    const tableOfMb = (mb: number) => new RowTable(layout, mb * 2 ** 17);
    const [odd, usual, large] = [tableOfMb(1), tableOfMb(2), tableOfMb(31)];
    const [oddWords, usualWords] = [odd, usual].map((table) => table.place(0).words);
    for (const table of [odd, usual]) table.release();
    tableOfMb(2).release();
    large.release(); // 34 MB would wait, and 32 may
    expect(tableOfMb(2).place(0).words).toBe(usualWords);
    expect(tableOfMb(1).place(0).words).not.toBe(oddWords);
    SPARE_WORDS.clear();
  });

  it('knows nothing of a column that it has not', () => {
    const table = tableOfRows(ROWS);
    expect(table.values('nome')).toBeUndefined();
    expect(table.missing('nome')(0)).toBe(true);
  });
});

describe('a batch of a table', () => {
  const batch = () =>
    tableBatch<Row>(tableOfRows(ROWS), { statistics: { read: 5 }, origin: { file: 'a.csv', firstRow: 10 } });

  it('is a batch like any other', () => {
    expect(batch()).toEqual({
      chunk: ROWS,
      statistics: { read: 5 },
      batchSize: 5,
      origin: { file: 'a.csv', firstRow: 10 },
    });
    expect({ ...batch(), batchSize: 1 }.chunk).toEqual(ROWS);
  });

  it('makes its rows once, and then they are what counts', () => {
    const looked = batch();
    expect(tableOf(looked)).toHaveLength(5);
    (looked.chunk[1] as { name: string }).name = 'changed';
    expect(looked.chunk[1]).toEqual({ id: 1, name: 'changed' });
    expect(tableOf(looked)).toBeUndefined();
    expect(rowAt(looked, 1)).toEqual({ id: 1, name: 'changed' });
  });

  it('is counted, amended and picked from without making them', () => {
    const of = (from: BatchResults<Row>) => tableOf(from)?.rows();
    const whole = batch();
    expect(rowCount(whole)).toBe(5);
    expect(rowAt(whole, 3)).toEqual(ROWS[3]);
    const amended = amendBatch(whole, { statistics: { written: 5 } });
    expect(of(amended)).toEqual(ROWS);
    expect(amended).toEqual({ ...batch(), statistics: { written: 5 } });
    const picked = pickRows(whole, [4, 1]);
    expect(of(picked)).toEqual([ROWS[4], ROWS[1]]);
    expect(picked.origin).toEqual({ files: ['a.csv', 'a.csv'], rowNumbers: [14, 11] });
    expect(tableOf(whole)).toBeDefined();
  });
});
