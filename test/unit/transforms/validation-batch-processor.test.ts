import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { BatchSource } from '../../../src/core/batch-processor.ts';
import { ValidationBatchProcessor } from '../../../src/transforms/validation-batch-processor.ts';
import { drain, PLAIN_CONTEXT } from '../../support/batches.ts';
import { readJsonLines, useFolder } from '../../support/files.ts';

const schema = z.object({ id: z.coerce.number().int(), name: z.string().min(2) });

function rowsFrom(rows: readonly unknown[], file?: string): BatchSource {
  return {
    async *getBatch(size) {
      for (let from = 0; from < rows.length; from += size) {
        const chunk = rows.slice(from, from + size);
        const origin = file === undefined ? {} : { origin: { file, firstRow: from } };
        yield { chunk, statistics: { lines: chunk.length }, batchSize: chunk.length, ...origin };
      }
    },
  };
}

describe('ValidationBatchProcessor', () => {
  it('passes rows on as the schema makes them, and counts both kinds', async () => {
    const rejectedFile = useFolder().path('rejected.jsonl');
    const predecessor = rowsFrom([
      { id: '1', name: 'Ann' },
      { id: 'x', name: 'B' },
      { id: '3', name: 'Cid' },
    ]);
    const processor = new ValidationBatchProcessor(PLAIN_CONTEXT, { predecessor, schema, rejectedFile });
    const { items, statistics, batches } = await drain(processor, 2);
    expect(items).toEqual([
      { id: 1, name: 'Ann' },
      { id: 3, name: 'Cid' },
    ]);
    expect(statistics).toEqual({ lines: 3, valid_rows: 2, invalid_rows: 1 });
    expect(batches.map(({ batchSize }) => batchSize)).toEqual([1, 1]);
  });

  it('writes file, row number, the row as read and every issue of an invalid row', async () => {
    const rejectedFile = useFolder().path('deep/er/rejected.jsonl');
    const rows = [
      { id: '1', name: 'Ann' },
      { id: 'x', name: 'B', extra: 12n },
    ];
    const processor = new ValidationBatchProcessor(PLAIN_CONTEXT, {
      predecessor: rowsFrom(rows, 'people.csv'),
      schema,
      rejectedFile,
    });
    await drain(processor, 10);
    expect(readJsonLines(rejectedFile)).toEqual([
      {
        file: 'people.csv',
        rowNumber: 1,
        stage: 'validate',
        code: 'GW_VALIDATION_ROW',
        message: expect.stringMatching(/^id: .+; name: .+/),
        issues: [
          { path: ['id'], message: expect.any(String) },
          { path: ['name'], message: expect.any(String) },
        ],
        row: { id: 'x', name: 'B', extra: '12' },
        types: { '/extra': 'bigint' },
      },
    ]);
  });

  it('trusts the row’s own number over its place in the batch', async () => {
    const rejectedFile = useFolder().path('rejected.jsonl');
    const rows = [
      { id: '1', name: 'Ann' },
      { id: 'x', name: 'Bob', _row: 41 },
    ];
    await drain(
      new ValidationBatchProcessor(PLAIN_CONTEXT, { predecessor: rowsFrom(rows), schema, rejectedFile }),
      10,
    );
    expect(readJsonLines(rejectedFile)).toMatchObject([{ file: null, rowNumber: 41 }]);
  });

  it('takes any Standard Schema, also one that answers later', async () => {
    const even = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) =>
          Promise.resolve(
            Number(value) % 2 === 0 ? { value: Number(value) } : { issues: [{ message: 'odd' }] },
          ),
      },
    } as const;
    const rejectedFile = useFolder().path('rejected.jsonl');
    const processor = new ValidationBatchProcessor(PLAIN_CONTEXT, {
      predecessor: rowsFrom(['1', '2']),
      schema: even,
      rejectedFile,
    });
    expect((await drain(processor, 10)).items).toEqual([2]);
    expect(readJsonLines(rejectedFile)).toMatchObject([{ message: 'row: odd', row: '1' }]);
  });

  it('fails in the end when the schema rejects every row, with the first reason', async () => {
    const rejectedFile = useFolder().path('rejected.jsonl');
    const rows = [
      { id: 'x', name: 'Ann' },
      { id: 'y', name: 'Bob' },
    ];
    const processor = new ValidationBatchProcessor(PLAIN_CONTEXT, {
      predecessor: rowsFrom(rows),
      schema,
      rejectedFile,
    });
    await expect(drain(processor, 1)).rejects.toMatchObject({
      code: 'GW_VALIDATION_ALL',
      message: expect.stringMatching(/every one of the 2 rows; the first because of id: .+rejected\.jsonl/),
    });
    expect(readJsonLines(rejectedFile)).toHaveLength(2);
  });

  it('refuses what is no schema, and stops when rejected rows cannot be written', async () => {
    const folder = useFolder();
    const predecessor = rowsFrom([{ id: 'x' }]);
    const wrong = { predecessor, schema: {} as typeof schema, rejectedFile: folder.path('r.jsonl') };
    expect(() => new ValidationBatchProcessor(PLAIN_CONTEXT, wrong)).toThrow(
      'Option `schema` must be a schema',
    );
    const blocked = `${folder.write('file', '')}/r.jsonl`;
    const processor = new ValidationBatchProcessor(PLAIN_CONTEXT, {
      predecessor,
      schema,
      rejectedFile: blocked,
    });
    await expect(drain(processor, 10)).rejects.toMatchObject({ code: 'GW_REJECTED_FILE' });
  });
});
