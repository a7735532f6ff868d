import { describe, expect, it } from 'vitest';
import type { BatchSource } from '../../../src/core/batch-processor.ts';
import { AbortedError, ConfigError, SourceError, ValidationError } from '../../../src/core/errors.ts';
import { dictIdExtractor, type IdExtractor, tupleIdExtractor } from '../../../src/parallel/id-extractors.ts';
import {
  SplittingBatchProcessor,
  type SplittingBatchProcessorOptions,
} from '../../../src/parallel/splitting-batch-processor.ts';
import { ArraySource } from '../core/array-source.ts';
import { collect, rejectionOf } from '../core/deferred.ts';
import { testContext } from '../core/test-context.ts';

/** A row says itself where it belongs: "0,1 first". */
type Row = string;
const byName: IdExtractor<Row> = (row) => {
  const [bucketRow, bucketCol] = row.split(' ')[0]!.split(',').map(Number);
  return [bucketRow!, bucketCol!];
};

function splitter(predecessor: BatchSource<Row>, options: Partial<SplittingBatchProcessorOptions<Row>> = {}) {
  return new SplittingBatchProcessor<Row>(testContext(), {
    predecessor,
    tableSize: 2,
    idExtractor: byName,
    ...options,
  });
}

describe('SplittingBatchProcessor', () => {
  it('gives each cell of the wave that has items, as row, col and items', async () => {
    const source = new ArraySource([['0,1 a', '1,0 b', '0,1 c']]);
    const [wave] = await collect(splitter(source).getBatch(5));
    expect(wave).toEqual({
      chunk: [
        { row: 0, col: 1, from: 0, items: ['0,1 a', '0,1 c'] },
        { row: 1, col: 0, from: 0, items: ['1,0 b'] },
      ],
      statistics: { rows_read: 3 },
      batchSize: 3,
    });
  });

  it('emits a group only when every cell holds batchSize rows', async () => {
    const source = new ArraySource([
      ['0,0 a', '0,0 b', '0,0 c'],
      ['0,1 d', '0,1 e'],
      ['1,1 f'],
      ['1,1 g'],
      ['1,1 h'],
    ]);
    const generator = splitter(source).getBatch(2);
    const first = await generator.next();
    expect(source.asked).toBe(4);
    expect(first.value.chunk).toEqual([
      { row: 0, col: 0, from: 0, items: ['0,0 a', '0,0 b'] },
      { row: 1, col: 1, from: 0, items: ['1,1 f', '1,1 g'] },
    ]);
    await generator.return(undefined);
  });

  it('emits as rows arrive, not only at the end of an upstream batch', async () => {
    const source = new ArraySource([['0,0 a', '1,1 b', '0,0 c', '1,1 d', '0,0 e', '1,1 f']]);
    const waves = await collect(splitter(source).getBatch(1));
    expect(waves.map(({ chunk }) => chunk.flatMap(({ items }) => items))).toEqual([
      ['0,0 a', '1,1 b'],
      ['0,0 c', '1,1 d'],
      ['0,0 e', '1,1 f'],
      [],
    ]);
  });

  it('asks for no more rows than the wave needs', async () => {
    const source = new ArraySource([['0,0 a'], ['1,1 b'], ['0,0 c']]);
    const generator = splitter(source).getBatch(1);
    await generator.next();
    expect(source.asked).toBe(2);
    await generator.return(undefined);
  });

  it('flushes a group early once a cell is past burstFactor x batchSize, at most batchSize rows a cell', async () => {
    const rows = Array.from({ length: 7 }, (_, i) => `0,0 ${i}`);
    const source = new ArraySource([['1,1 x', ...rows.slice(0, 6)], [rows[6]!], ['0,1 y']]);
    const generator = splitter(source, { burstFactor: 3 }).getBatch(2);
    const first = await generator.next();
    expect(source.asked).toBe(2);
    expect(first.value).toEqual({
      chunk: [
        { row: 0, col: 0, from: 0, items: ['0,0 0', '0,0 1'] },
        { row: 1, col: 1, from: 0, items: ['1,1 x'] },
      ],
      statistics: {},
      batchSize: 3,
    });
    await generator.return(undefined);
  });

  it('has a burst factor of 20 by default', async () => {
    const rows = Array.from({ length: 41 }, (_, i) => `0,0 ${i}`);
    const atThreshold = await collect(splitter(new ArraySource([rows.slice(0, 40)])).getBatch(2));
    const past = new ArraySource([rows, ['0,1 x']]);
    const generator = splitter(past).getBatch(2);
    await generator.next();
    expect(past.asked).toBe(1);
    expect(atThreshold).toHaveLength(20);
    await generator.return(undefined);
  });

  it('emits leftovers in waves of at most batchSize rows a cell', async () => {
    const source = new ArraySource([['0,0 a', '0,0 b', '0,0 c', '0,0 d', '0,0 e', '1,1 f', '0,1 g']]);
    const waves = await collect(splitter(source).getBatch(2));
    expect(waves.map(({ chunk }) => chunk.map(({ items }) => items.length))).toEqual([[2, 1], [2], [1], [1]]);
  });

  it('keeps the order of rows within a cell', async () => {
    const rows = Array.from({ length: 100 }, (_, i) => `0,${i % 2} ${i}`);
    const waves = await collect(splitter(new ArraySource([rows]), { burstFactor: 2 }).getBatch(3));
    for (const wanted of [0, 1]) {
      const out = waves
        .flatMap(({ chunk }) => chunk)
        .flatMap(({ col, items }) => (col === wanted ? items : []));
      expect(out).toEqual(rows.filter((row) => row.startsWith(`0,${wanted}`)));
    }
  });

  it('carries the sum of upstream statistics on the last wave, and none on the others', async () => {
    const source = new ArraySource([['0,0 a', '1,1 b'], ['0,0 c'], ['0,1 d']], {
      statistics: (i) => ({ rows_read: 1, [`batch_${i}`]: 1 }),
    });
    const waves = await collect(splitter(source).getBatch(1));
    expect(waves.map(({ statistics }) => statistics)).toEqual([
      {},
      {},
      { rows_read: 3, batch_0: 1, batch_1: 1, batch_2: 1 },
    ]);
  });

  it('ends with a wave without cells where nothing is left over: none is held back for the statistics', async () => {
    const source = new ArraySource([['0,0 a', '1,1 b']]);
    const generator = splitter(source).getBatch(1);
    expect(await generator.next()).toMatchObject({ value: { batchSize: 2, statistics: {} } });
    expect(source.isExhausted).toBe(false);
    expect(await generator.next()).toEqual({
      value: { chunk: [], batchSize: 0, statistics: { rows_read: 2 } },
      done: false,
    });
    expect(await generator.next()).toMatchObject({ done: true });
  });

  it('ends with a wave without cells where there were no rows at all', async () => {
    const statistics = () => ({ rejected_rows: 4 });
    expect(await collect(splitter(new ArraySource([], { statistics })).getBatch(1))).toEqual([
      { chunk: [], batchSize: 0, statistics: {} },
    ]);
    expect(await collect(splitter(new ArraySource([[], []], { statistics })).getBatch(1))).toEqual([
      { chunk: [], batchSize: 0, statistics: { rejected_rows: 8 } },
    ]);
  });

  it('passes the batch size up', async () => {
    const source = new ArraySource<Row>([]);
    await collect(splitter(source).getBatch(123));
    expect(source.sizes).toEqual([123]);
  });

  it('can be used again, and starts anew', async () => {
    const source = new ArraySource([['0,0 a']]);
    const split = splitter(source);
    const first = await collect(split.getBatch(1));
    expect(await collect(split.getBatch(1))).toEqual(first);
  });

  it('works with the extractors', async () => {
    const pairs = Array.from({ length: 500 }, (_, i) => [i, `to ${i % 50}`] as const);
    const idExtractor = tupleIdExtractor({ tableSize: 4 });
    const split = new SplittingBatchProcessor(testContext(), {
      predecessor: new ArraySource([pairs]),
      tableSize: 4,
      idExtractor,
    });
    const cells = (await collect(split.getBatch(10))).flatMap(({ chunk }) => chunk);
    expect(cells.flatMap(({ items }) => items)).toHaveLength(500);
    for (const { row, col, items } of cells) {
      for (const item of items) expect(idExtractor(item)).toEqual([row, col]);
    }
  });
});

describe('SplittingBatchProcessor in one node space', () => {
  it('folds the cells and claims both buckets: the groups are those with (row + col) mod tableSize', async () => {
    const source = new ArraySource([['2,0 a', '0,2 b', '1,1 c', '0,0 d', '1,2 e']]);
    const waves = await collect(splitter(source, { tableSize: 3, monopartite: true }).getBatch(5));
    expect(waves.map(({ chunk }) => chunk)).toEqual([
      [
        { row: 0, col: 0, from: 0, items: ['0,0 d'] },
        { row: 1, col: 2, from: 0, items: ['1,2 e'] },
      ],
      [
        { row: 0, col: 2, from: 0, items: ['2,0 a', '0,2 b'] },
        { row: 1, col: 1, from: 0, items: ['1,1 c'] },
      ],
    ]);
  });

  it('is told so by the extractor', async () => {
    const context = testContext();
    const rows = [
      { start: 1, end: 2 },
      { start: 2, end: 1 },
    ];
    const options = { predecessor: new ArraySource([rows]), tableSize: 64 };
    const [wave] = await collect(
      new SplittingBatchProcessor(context, {
        ...options,
        idExtractor: dictIdExtractor({ tableSize: 64, monopartite: true }),
      }).getBatch(5),
    );
    expect(wave?.chunk).toHaveLength(1);
    expect(wave?.chunk[0]?.items).toEqual(rows);
  });

  it('waits only for the folded cells of a group', async () => {
    const source = new ArraySource([['0,1 a', '1,0 b'], ['0,0 c']]);
    const generator = splitter(source, { monopartite: true }).getBatch(2);
    await generator.next();
    expect(source.asked).toBe(1);
    await generator.return(undefined);
  });
});

describe('SplittingBatchProcessor and bad rows', () => {
  it.each([
    ['row', [2, 0]],
    ['row', [-1, 0]],
    ['col', [0, 2]],
    ['col', [0, 0.5]],
    ['col', [0, Number.NaN]],
    ['row', ['0', 0]],
    ['col', [0, undefined]],
    ['row', [0n, 0]],
    ['row', [Number.POSITIVE_INFINITY, 0]],
  ])('names item, value and range for a %s outside the grid: %o', async (side, buckets) => {
    const source = new ArraySource([['fine'], ['broken']]);
    const idExtractor = (row: Row) => (row === 'fine' ? [0, 0] : buckets) as [number, number];
    const error = (await rejectionOf(
      collect(splitter(source, { idExtractor }).getBatch(5)),
    )) as ValidationError;
    const bucket = buckets[side === 'row' ? 0 : 1];
    expect(error).toBeInstanceOf(ValidationError);
    expect(error.code).toBe('GW_SPLIT_RANGE');
    expect(error.message).toContain('"broken"');
    expect(error.message).toContain(`${side} ${typeof bucket === 'string' ? `"${bucket}"` : bucket}`);
    expect(error.message).toContain(`0 <= ${side} < 2`);
    expect(error.details).toEqual({ side, bucket, item: 'broken', tableSize: 2 });
    expect(source.closed).toBe(1);
  });

  it('takes the ends of the range', async () => {
    const source = new ArraySource([['0,0 a', '4,4 b', '0,4 c', '4,0 d']]);
    const waves = await collect(splitter(source, { tableSize: 5 }).getBatch(5));
    expect(waves.reduce((sum, { batchSize }) => sum + batchSize, 0)).toBe(4);
  });

  it.each([[undefined], [null], [[]], [[0]], [[0, 0, 0]], ['00'], [{ 0: 0, 1: 0, length: 2 }]])(
    'refuses %o in place of [row, col], and names the item',
    async (buckets) => {
      const idExtractor = (() => buckets) as never;
      const error = await rejectionOf(
        collect(splitter(new ArraySource([['odd']]), { idExtractor }).getBatch(1)),
      );
      expect(error).toMatchObject({ code: 'GW_SPLIT_RANGE', message: expect.stringContaining('"odd"') });
    },
  );

  it('passes on the error of an extractor, with key and row', async () => {
    const split = new SplittingBatchProcessor(testContext(), {
      predecessor: new ArraySource([[{ start: 1 }]]),
      tableSize: 10,
      idExtractor: dictIdExtractor(),
    });
    expect(await rejectionOf(collect(split.getBatch(1)))).toMatchObject({
      code: 'GW_SPLIT_KEY',
      message: expect.stringMatching(/`end`.*\{"start":1\}/),
    });
  });

  it('names the item when a custom extractor throws, and keeps what it threw', async () => {
    const boom = new TypeError('boom');
    const idExtractor = () => {
      throw boom;
    };
    const error = await rejectionOf(
      collect(splitter(new ArraySource([['odd']]), { idExtractor }).getBatch(1)),
    );
    expect(error).toBeInstanceOf(ValidationError);
    expect(error).toMatchObject({ code: 'GW_SPLIT_KEY', cause: boom, details: { item: 'odd' } });
    expect((error as Error).message).toMatch(/"odd".*boom/);
  });
});

describe('SplittingBatchProcessor and its surroundings', () => {
  it('closes its source when it is left early', async () => {
    const source = new ArraySource([['0,0 a'], ['1,1 b'], ['0,0 c']]);
    for await (const { batchSize } of splitter(source).getBatch(1)) {
      expect(batchSize).toBe(2);
      break;
    }
    expect(source).toMatchObject({ closed: 1, asked: 2 });
  });

  it('passes on the error of its source as it is', async () => {
    const boom = new SourceError('GW_SOURCE_ROW', 'boom');
    const source = new ArraySource([['0,0 a'], ['1,1 b']], {
      before: (i) => (i === 1 ? Promise.reject(boom) : undefined),
    });
    expect(await rejectionOf(collect(splitter(source).getBatch(5)))).toBe(boom);
  });

  it('stops at the next upstream batch when it is aborted, even where no wave is near', async () => {
    const context = testContext();
    const source = new ArraySource([['0,0 a'], ['0,0 b'], ['0,0 c'], ['0,0 d']], {
      before: (i) => i === 1 && context.abort.abort(),
    });
    const split = new SplittingBatchProcessor(context, {
      predecessor: source,
      tableSize: 2,
      idExtractor: byName,
    });
    expect(await rejectionOf(collect(split.getBatch(100)))).toBeInstanceOf(AbortedError);
    expect(source).toMatchObject({ closed: 1, asked: 2 });
  });

  it.each([
    ['tableSize', { tableSize: 0 }],
    ['tableSize', { tableSize: 1.5 }],
    ['tableSize', { tableSize: undefined as never }],
    ['burstFactor', { burstFactor: 0 }],
    ['burstFactor', { burstFactor: '20' as never }],
    ['idExtractor', { idExtractor: 'id' as never }],
  ])('refuses a bad %s by name: %o', (option, options) => {
    const act = () => splitter(new ArraySource([]), options);
    expect(act).toThrow(ConfigError);
    expect(act).toThrow(expect.objectContaining({ code: 'GW_CONFIG_OPTION', details: { option } }));
  });

  it('refuses a batch size below 1', async () => {
    expect(await rejectionOf(collect(splitter(new ArraySource([])).getBatch(0)))).toMatchObject({
      details: { option: 'maxBatchSize' },
    });
  });
});
