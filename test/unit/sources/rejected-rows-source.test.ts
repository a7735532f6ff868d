import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RejectedRows } from '../../../src/sinks/rejected-rows.ts';
import { RejectedRowsSource } from '../../../src/sources/rejected-rows-source.ts';
import { drain, PLAIN_CONTEXT } from '../../support/batches.ts';
import { useFolder } from '../../support/files.ts';

const line = (lineNumber: number, text: string) => ({
  load: 'own',
  file: 'a.csv',
  lineNumber,
  stage: 'read',
  code: 'GW_SOURCE_ROW',
  message: 'malformed',
  text,
  columns: [['id', 'BIGINT']],
});
const row = (id: number, load = 'own') => ({
  load,
  file: 'a.csv',
  rowNumber: id,
  stage: 'write',
  code: 'GW_WRITE_MISSING_NODE',
  message: 'no node',
  cell: [1, 1],
  position: id,
  row: { id },
});

describe('RejectedRowsSource', () => {
  it('gives rows and mended lines in the order of the file, whatever the size of a batch', async () => {
    const folder = useFolder();
    const lines = [line(3, '1'), row(2), line(5, 'x'), row(9, 'other'), line(7, '"5"'), row(6)];
    const file = folder.write('rejected.jsonl', lines.map((one) => `${JSON.stringify(one)}\n`).join(''));
    for (const size of [1, 2, 3, 100]) {
      const left = folder.path(`left-${size}.jsonl`);
      const carryOver = new RejectedRows(left);
      carryOver.limitTo((rejected) => expect(rejected).toBe(0)); // they count for no limit
      const source = new RejectedRowsSource(PLAIN_CONTEXT, {
        file,
        load: 'own',
        lineOptions: () => ({}),
        carryOver,
      });
      const { items, statistics, batches } = await drain(source, size);
      expect(items.map(({ id }) => id)).toEqual([1, 2, 5, 6]);
      const rowNumbers = batches.flatMap(({ origin }) =>
        origin && 'rowNumbers' in origin ? [...origin.rowNumbers] : [],
      );
      expect(rowNumbers).toEqual([1, 2, 5, 6]);
      expect(statistics).toEqual({ rejected_rows_read: 4, rejected_rows_kept: 2 });
      const kept = readFileSync(left, 'utf8').trimEnd().split('\n');
      expect(kept.map((one) => JSON.parse(one).text ?? JSON.parse(one).row.id).sort()).toEqual([9, 'x']);
      for (const one of kept) expect(JSON.parse(one)).not.toHaveProperty('cell');
      carryOver.checkLimit();
    }
  });

  it('reads of a mended line the columns that its load reads', async () => {
    const columns = [
      ['note', 'VARCHAR'],
      ['id', 'BIGINT'],
    ];
    const folder = useFolder();
    const file = folder.write('rejected.jsonl', `${JSON.stringify({ ...line(3, 'new,1'), columns })}\n`);
    const source = new RejectedRowsSource(PLAIN_CONTEXT, {
      file,
      load: 'own',
      lineOptions: () => ({ columns: ['id'] }),
      carryOver: new RejectedRows(folder.path('left.jsonl')),
    });
    expect((await drain(source, 10)).items).toMatchObject([{ id: 1 }]);
    expect((await drain(source, 10)).items[0]).not.toHaveProperty('note');
  });

  it('counts lines that it carries over for no limit, also where an attempt before has done so', async () => {
    const carried = useFolder().path('left.jsonl');
    for (let attempt = 0; attempt < 2; attempt++) {
      const rejected = new RejectedRows(carried);
      await rejected.beginRun('retry', () => 0);
      rejected.carryOver([row(9, 'other'), row(8, 'other')] as never);
      expect(rejected.count).toBe(2);
      rejected.limitTo((count) => expect(count).toBe(0));
      rejected.checkLimit();
    }
    expect(readFileSync(carried, 'utf8').trimEnd().split('\n')).toHaveLength(2);
  });
});
