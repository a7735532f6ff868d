import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { CSVBatchSource, type CSVBatchSourceOptions } from '../../../src/sources/csv-batch-source.ts';
import { drain, PLAIN_CONTEXT } from '../../support/batches.ts';
import { readJsonLines, useFolder } from '../../support/files.ts';

type Options = Omit<CSVBatchSourceOptions, 'file'>;

function source(file: string, options: Options = {}): CSVBatchSource {
  return new CSVBatchSource(PLAIN_CONTEXT, { file, ...options });
}

describe('CSVBatchSource', () => {
  it('reads text, numbers rows from 0 and makes blank fields null', async () => {
    const folder = useFolder();
    const file = folder.write('a.csv', 'id,name\n1,Ann\n,Bob\n3,""\n');
    const { items, statistics } = await drain(source(file), 10);
    expect(items).toEqual([
      { id: '1', name: 'Ann', _row: 0 },
      { id: null, name: 'Bob', _row: 1 },
      { id: '3', name: null, _row: 2 },
    ]);
    expect(statistics).toEqual({ csv_lines_read: 3 });
  });

  it('keeps blank fields as empty text when asked to, and leaves the row number out', async () => {
    const file = useFolder().write('a.csv', 'id,name\n1,\n');
    const { items } = await drain(source(file, { blankAsNull: false, rowNumbers: false }), 10);
    expect(items).toEqual([{ id: '1', name: '' }]);
  });

  it('cuts batches of exactly the size asked for, whatever the reader gives', async () => {
    const lines = Array.from({ length: 5_001 }, (_, i) => `${i}`).join('\n');
    const file = useFolder().write('a.csv', `id\n${lines}\n`);
    const { batches, items } = await drain(source(file), 2_500);
    expect(batches.map(({ batchSize }) => batchSize)).toEqual([2_500, 2_500, 1]);
    expect(batches.map(({ origin }) => origin)).toEqual(
      [0, 2_500, 5_000].map((firstRow) => ({ file, firstRow })),
    );
    expect(items.map(({ id }) => Number(id))).toEqual(Array.from({ length: 5_001 }, (_, i) => i));
    await expect(source(file).countRows()).resolves.toBe(5_001);
  });

  it('warns of a column that is text in one file and a number in the next', async () => {
    const folder = useFolder();
    const first = folder.write('a.csv', 'id\n1\n');
    const second = folder.write('b.csv', 'id\nB2\n');
    const warnings: string[] = [];
    const reporter = { ...PLAIN_CONTEXT.reporter, warn: (message: string) => void warnings.push(message) };
    const read = (types: 'text' | 'inferred') =>
      drain(new CSVBatchSource({ ...PLAIN_CONTEXT, reporter }, { file: folder.path('*.csv'), types }), 10);
    await read('text');
    expect(warnings).toEqual([]);
    await read('inferred');
    expect(warnings).toEqual([
      `Column id is BIGINT in ${first} and VARCHAR in ${second}: where it is a key, equal values of it find different nodes. \`types\` gives it one type.`,
    ]);
  });

  it('warns of a quote that does not close, with the number of lines that it takes along', async () => {
    const folder = useFolder();
    const file = folder.write('a.csv', `id,name\n1,Ann\n2,"Bob\n${'3,Cay\n'.repeat(100)}`);
    const one = folder.write('one.csv', 'id,name\n1,Ann\n2,"Bob\n');
    const rejectedFile = folder.path('rejected.jsonl');
    const warnings: string[] = [];
    const reporter = { ...PLAIN_CONTEXT.reporter, warn: (message: string) => void warnings.push(message) };
    const context = { ...PLAIN_CONTEXT, reporter };
    for (const path of [one, file])
      await drain(new CSVBatchSource(context, { file: path, rejectedFile }), 10);
    const message = 'A quote does not close; lines after it that it takes along: 100.';
    expect(warnings).toEqual([`${file}:3: ${message} Close it in the file, or read with \`quote: ''\`.`]);
    expect(readJsonLines(rejectedFile)[1]).toMatchObject({ lineNumber: 3, message });
  });

  it('counts keys a side, over all files and columns, and says what is usual', async () => {
    const folder = useFolder();
    const lines = Array.from({ length: 300 }, (_, i) => `${i % 3},x${i % 3 === 0 ? i : 0}`);
    folder.write('a.csv', `from,to\n${lines.join('\n')}\n`);
    folder.write('b.csv', 'from,to\nA,x0\n,x0\nA,\n');
    const counted = await source(folder.path('*.csv'), { types: 'inferred' }).countKeys([['from'], ['to']]);
    const froms = [0, 1, 2].map((key) => [key, 100]);
    expect(counted?.[0]).toEqual({ heavy: [...froms, ['A', 2]], totalRows: 302, usualRows: 100 });
    const rare = Array.from({ length: 99 }, (_, i) => [`x${3 * (i + 1)}`, 1]).sort(([a], [b]) =>
      a! < b! ? -1 : 1,
    );
    expect(counted?.[1]).toEqual({ heavy: [['x0', 203], ...rare], totalRows: 302, usualRows: 1 });
    const types = { whole: 'DOUBLE', exact: 'DECIMAL(9,2)', large: 'BIGINT' };
    const numbers = folder.write('numbers.txt', 'whole,exact,large\n1.0,-2.50,9007199254740993\n');
    const sides = Object.keys(types).map((column) => [column]);
    const keysOf = async (decimals: 'number' | 'text') =>
      (await source(numbers, { types, decimals }).countKeys(sides))?.map(({ heavy }) => heavy[0]?.[0]);
    expect(await keysOf('number')).toEqual([1, -2.5, '9007199254740993']);
    expect(await keysOf('text')).toEqual([1, '-2.50', '9007199254740993']);
    const together = await source(folder.path('a.csv')).countKeys([['from', 'to']]);
    expect(together).toMatchObject([{ totalRows: 600, usualRows: 1 }]);
    expect(together?.[0]?.heavy.slice(0, 3)).toEqual([
      ['x0', 201],
      ['0', 100],
      ['1', 100],
    ]);
    expect(await source(folder.path('*.csv')).countKeys([['from'], ['gone']])).toBeUndefined();
  });

  it('reads gzip and zstd, a byte-order mark, other delimiters, quotes, escapes and encodings', async () => {
    const folder = useFolder();
    const plain = 'id,name\n1,Ann\n';
    const expected = [{ id: '1', name: 'Ann', _row: 0 }];
    expect((await drain(source(folder.write('a.csv.gz', gzipSync(plain))), 10)).items).toEqual(expected);
    const packed = await zstdFile(folder.path('a.csv.zst'), plain);
    expect((await drain(source(packed), 10)).items).toEqual(expected);
    expect((await drain(source(folder.write('bom.csv', `\ufeff${plain}`)), 10)).items).toEqual(expected);
    const other = folder.write('o.csv', "id;name\n1;'A\\'n;n'\n");
    const options: Options = { delimiter: ';', quote: "'", escape: '\\' };
    expect((await drain(source(other, options), 10)).items).toEqual([{ id: '1', name: "A'n;n", _row: 0 }]);
    const latin = folder.write('l.csv', Buffer.from('id,name\n1,Zoë\n', 'latin1'));
    expect((await drain(source(latin, { encoding: 'latin-1' }), 10)).items).toEqual([
      { id: '1', name: 'Zoë', _row: 0 },
    ]);
    const wide = folder.write('u.csv', Buffer.from('\ufeffid,name\n1,Zoë\n', 'utf16le'));
    expect((await drain(source(wide, { encoding: 'utf-16' }), 10)).items).toEqual([
      { id: '1', name: 'Zoë', _row: 0 },
    ]);
  });

  it('reads the files of a pattern in order, numbering rows in each, and a file whose name looks like a pattern', async () => {
    const folder = useFolder();
    folder.write('b.csv', 'id\n3\n');
    folder.write('a.csv', 'id\n1\n2\n');
    const { items } = await drain(source(folder.path('*.csv')), 10);
    expect(items).toEqual([
      { id: '1', _row: 0 },
      { id: '2', _row: 1 },
      { id: '3', _row: 0 },
    ]);
    const odd = folder.write('x[1]*.csv', 'id\n9\n');
    expect((await drain(source(odd), 10)).items).toEqual([{ id: '9', _row: 0 }]);
  });

  describe('with texts longer than what is read at once', () => {
    // DuckDB reads 8 MB at once here, and by itself guesses where a record begins in the second and later ones.
    const inner = Array.from({ length: 150_000 }, (_, i) => `${i},inner`).join('\n');
    const texts = Array.from({ length: 12 }, (_, i) => `${inner}\n${i},last`);
    const whole = `id,text\n${texts.map((text, i) => `${i},"${text}"\n`).join('')}`;

    it('takes no line of a quoted text for a row', async () => {
      const file = useFolder().write('a.csv', whole);
      const read = source(file, { types: { id: 'BIGINT' } });
      await expect(read.countRows()).resolves.toBe(texts.length);
      const { items, statistics } = await drain(read, 5);
      expect(items.map(({ id }) => id)).toEqual([...texts.keys()]);
      expect(items.every(({ text }, i) => text === texts[i])).toBe(true);
      expect(statistics).toEqual({ csv_lines_read: texts.length });
    });

    it('sets aside what is malformed among them, and a quote that is open at the end', async () => {
      const folder = useFolder();
      const rejectedFile = folder.path('rejected.jsonl');
      const file = folder.write('a.csv', `${whole}12\n13,"y"\n14,"open\n1,2\n3,4\n`);
      const { items } = await drain(source(file, { rejectedFile }), 5);
      expect(items.map(({ _row }) => _row)).toEqual([...texts.keys(), 13]);
      const first = 2 + texts.length * 150_001;
      expect(readJsonLines(rejectedFile)).toMatchObject([
        { lineNumber: first, text: '12', message: 'Expected Number of Columns: 2 Found: 1' },
        {
          lineNumber: first + 2,
          text: '14,"open\n1,2\n3,4',
          message: 'A quote does not close; lines after it that it takes along: 2.',
        },
      ]);
    });

    it('refuses a file with a record that does not end within 16 MB, before any row', async () => {
      const file = useFolder().write('a.csv', `${whole}12,"open\n${`${inner}\n`.repeat(9)}`);
      await expect(drain(source(file), 5)).rejects.toMatchObject({
        code: 'GW_SOURCE_FORMAT',
        message: `${file}:${2 + texts.length * 150_001} begins a record that does not end within 16 MB; close its quote, or read with \`quote: ''\`.`,
      });
    });
  });

  it('infers types, or takes them for some columns, and names the floating ones', async () => {
    const file = useFolder().write('a.csv', 'id,price,day\n1,2,2024-02-29\n2,2.5,2024-03-01\n');
    const inferred = source(file, { types: 'inferred' });
    await expect(inferred.floatColumns()).resolves.toEqual(['price']);
    const { items } = await drain(inferred, 10);
    expect(items.map(({ id, price, day }) => [id, price, String(day)])).toEqual([
      [1, 2, '2024-02-29'],
      [2, 2.5, '2024-03-01'],
    ]);
    const given = await drain(source(file, { types: { id: 'BIGINT' } }), 10);
    expect(given.items[0]).toEqual({ id: 1, price: '2', day: '2024-02-29', _row: 0 });
  });

  it.each([
    ['02/03/2001', '12/31/2001', 'string'],
    ['03.02.2001', '31.12.2001', 'string'],
    ['02/03/2001 01:02:03 PM', '12/31/2001 01:02:03 AM', 'string'],
    ['2001/02/03', '2001/12/31', 'object'],
    ['2001-02-03T01:02:03', '2001-12-31 01:02:03', 'object'],
    ['2001-02-03T01:02:03Z', '2001-12-31 01:02:03+02:00', 'object'],
  ])('infers dates that a cast reads, and leaves the others text: %s', async (first, second, kind) => {
    const file = useFolder().write('a.csv', `id,d\n1,${first}\n2,${second}\n`);
    const { items } = await drain(source(file, { types: 'inferred' }), 10);
    expect(items.map(({ d }) => typeof d)).toEqual([kind, kind]);
    if (kind === 'string') expect(items.map(({ d }) => d)).toEqual([first, second]);
  });

  it('sets malformed lines aside with line number and text, and numbers the rest as they stand in the file', async () => {
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const file = folder.write('a.csv', 'id,name\n1,"two\nlines"\n2\n3,"bad"quote\n4,Dan\n5,a,b\n');
    const { items, statistics } = await drain(source(file, { rejectedFile }), 10);
    expect(items).toEqual([
      { id: '1', name: 'two\nlines', _row: 0 },
      { id: '4', name: 'Dan', _row: 3 },
    ]);
    expect(statistics).toEqual({ csv_lines_read: 2, csv_lines_rejected: 3 });
    expect(
      readJsonLines(rejectedFile).map(({ lineNumber, text, stage, code }) => [lineNumber, text, stage, code]),
    ).toEqual([
      [4, '2', 'read', 'GW_SOURCE_ROW'],
      [5, '3,"bad"quote', 'read', 'GW_SOURCE_ROW'],
      [7, '5,a,b', 'read', 'GW_SOURCE_ROW'],
    ]);
  });

  it('rejects a value that is not of its column’s type', async () => {
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const file = folder.write('a.csv', 'id\n1\ntwo\n3\n');
    const { items } = await drain(source(file, { rejectedFile, types: { id: 'BIGINT' } }), 10);
    expect(items).toEqual([
      { id: 1, _row: 0 },
      { id: 3, _row: 2 },
    ]);
    expect(readJsonLines(rejectedFile)).toMatchObject([{ lineNumber: 3, text: 'two' }]);
  });

  it.each([
    ['INTEGER', '1', '1.5'],
    ['BIGINT', '9007199254740993', '1e-1'],
    ['BIGINT', '1.0', '0.5e0'],
    ['INTEGER', '1e3', '12.5'],
    ['DECIMAL(10,2)', '1.12e1', '1.125'],
    ['DECIMAL(10,2)', '1.10', '1.123456789'],
    ['TIMESTAMP', '2024-01-01 00:00:00.123456', '2024-01-01 00:00:00+02:00'],
    ['TIMESTAMP', '2024-01-01T00:00:00', '2024-01-01 00:00:0Z'],
    ['TIMESTAMP', '2024-01-01', '2024-01-01 00:00:00.123456789'],
    ['TIMESTAMP_MS', '2024-01-01 00:00:00.123000', '2024-01-01 00:00:00.1234'],
    ['TIMESTAMP_NS', '2024-01-01 00:00:00.123456789', '2024-01-01 00:00:00+02'],
    ['TIMESTAMPTZ', '2024-01-01 00:00:00.5+02:00', '2024-01-01 00:00:00.1234567+02:00'],
    ['DATE', '2024-01-01', '2024-01-01 23:59:59'],
    ['TIME', '12:00:00.123456', '12:00:00.1234567'],
    ['TIME', '12:00', '12:00:00+02'],
    ['TIMETZ', '12:00:00+02', '12:00:00.1234567+02'],
    ['DOUBLE', '0.1', '9007199254740993'],
    ['DOUBLE', '9007199254740992', '12345678901234567890123'],
    ['DOUBLE', '1e300', '1e400'],
    ['FLOAT', '16777216', '16777217'],
    ['INTEGER[]', '[1, 2]', '[1, 1.5]'],
    ['INTERVAL', '1.5 seconds', '1.0000001 seconds'],
  ])('rejects a text that %s would change: %s is kept, %s is not', async (type, kept, changed) => {
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const file = folder.write('a.csv', `id;v\n1;${kept}\n2;${changed}\n3;\n`);
    const { items } = await drain(source(file, { rejectedFile, delimiter: ';', types: { v: type } }), 10);
    expect(items.map(({ id, v, _row }) => [id, v === null, _row])).toEqual([
      ['1', false, 0],
      ['3', true, 2],
    ]);
    expect(readJsonLines(rejectedFile)).toMatchObject([
      {
        lineNumber: 3,
        text: `2;${changed}`,
        message: `Column v (${typeName(type)}) cannot hold "${changed}" exactly.`,
      },
    ]);
  });

  it('takes an inferred type for mistaken where most texts are more than it holds', async () => {
    const folder = useFolder();
    const rows = ['1,2024-01-01 00:00:00.123456789,1.5', '2,2024-01-01 00:00:00.000000001,2', '3,,2.5'];
    const file = folder.write('nanos.csv', `id,at,n\n${rows.join('\n')}\n`);
    const { items, statistics } = await drain(
      new CSVBatchSource(PLAIN_CONTEXT, { file, types: 'inferred', rejectedFile: folder.path('r.jsonl') }),
      10,
    );
    expect(statistics).toEqual({ csv_lines_read: 3 });
    expect(items.map(({ at, n }) => [at, n])).toEqual([
      ['2024-01-01 00:00:00.123456789', 1.5],
      ['2024-01-01 00:00:00.000000001', 2],
      [null, 2.5],
    ]);
  });

  it('rejects what an inferred type would change, far behind the sample', async () => {
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const rows = Array.from({ length: 60_000 }, (_, i) => (i === 50_000 ? '1.6' : `${i}`));
    const file = folder.write('a.csv', `n,m\n${rows.map((n) => `${n},0`).join('\n')}\n`);
    const inferred = source(file, { rejectedFile, types: 'inferred' });
    const { items } = await drain(inferred, 10_000);
    expect(items).toHaveLength(59_999);
    expect(items.every(({ n, _row }) => n === _row)).toBe(true);
    expect(readJsonLines(rejectedFile)).toMatchObject([{ lineNumber: 50_002, text: '1.6,0' }]);
    await expect(drain(source(file, { types: 'inferred', strict: true }), 10)).rejects.toMatchObject({
      code: 'GW_SOURCE_ROW',
      message: expect.stringContaining('a.csv:50002 is malformed'),
    });
  });

  it('keeps line, text and row number right where all kinds of faults and blank lines are mixed', async () => {
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const lines = [
      'n,t',
      '1,"a\nb"',
      '1.5,"c\nd"',
      '',
      '3',
      '',
      '4,"bad"quote',
      'five,"e',
      'f"',
      '6,g',
      '7.5,h',
      '8,i',
    ];
    const options = { rejectedFile, types: { n: 'INTEGER' } };
    for (const [name, content] of [
      ['a.csv', lines.join('\n')],
      ['b.csv.gz', gzipSync(lines.join('\r\n').replaceAll('\\n', '\n'))],
    ] as const) {
      const file = folder.write(name, content);
      const { items } = await drain(source(file, options), 10);
      expect(items.map(({ n, _row }) => [n, _row])).toEqual([
        [1, 0],
        [6, 5],
        [8, 7],
      ]);
    }
    const found = readJsonLines(rejectedFile).map(({ lineNumber, text }) => [lineNumber, text]);
    const expected = [
      [4, '1.5,"c\nd"'],
      [7, '3'],
      [9, '4,"bad"quote'],
      [10, 'five,"e\nf"'],
      [13, '7.5,h'],
    ];
    expect(found.slice(0, 5)).toEqual(expected);
    expect(found.slice(5).map(([line]) => line)).toEqual(expected.map(([line]) => line));
  });

  it('finds bytes that are no text in the scan, also where keys are counted', async () => {
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const rows = Array.from({ length: 60_000 }, (_, i) => (i === 50_000 ? `${i},caf\xe9` : `${i},x`));
    const file = folder.write('a.csv', Buffer.from(`id,name\n${rows.join('\n')}\n`, 'latin1'));
    const { items } = await drain(source(file, { rejectedFile }), 10_000);
    expect(items).toHaveLength(59_999);
    expect(readJsonLines(rejectedFile)).toMatchObject([
      { lineNumber: 50_002, text: '50000,caf\ufffd', message: expect.stringContaining('UTF-8') },
    ]);
    expect(await source(file).countKeys([['name']])).toMatchObject([{ heavy: [['x', 59_999]] }]);
    const whole = await drain(source(file, { encoding: 'latin-1' }), 10_000);
    expect(whole.items[50_000]).toMatchObject({ name: 'café' });
  });

  it('gives the whole text of a long malformed line', async () => {
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const long = `"${'é\n'.repeat(20_000)}",2,3`;
    const file = folder.write('a.csv', `id,name\n1,a\n${long}\n4,b\n5\n`);
    const { items } = await drain(source(file, { rejectedFile }), 10);
    expect(items.map(({ _row }) => _row)).toEqual([0, 2]);
    expect(readJsonLines(rejectedFile).map(({ lineNumber, text }) => [lineNumber, text])).toEqual([
      [3, long],
      [20_005, '5'],
    ]);
  });

  it.each([
    ['packed by zstd', '.csv.zst', '\n'],
    ['with CR alone between lines', '.csv', '\r'],
  ])('follows a file %s', async (_, ending, lineBreak) => {
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const lines = ['n,t', '1.5,"a', 'b"', '2,b', '3', '4,d', '5,"e', 'f'];
    const path = folder.path(`a${ending}`);
    const file =
      ending === '.csv'
        ? folder.write('a.csv', lines.join(lineBreak))
        : await zstdFile(path, lines.join('\n'));
    const { items } = await drain(source(file, { rejectedFile, types: { n: 'INTEGER' } }), 10);
    expect(items.map(({ _row }) => _row)).toEqual([1, 3]);
    expect(readJsonLines(rejectedFile).map(({ lineNumber, text }) => [lineNumber, text])).toEqual([
      [2, `1.5,"a${lineBreak}b"`],
      [5, '3'],
      [7, `5,"e${lineBreak}f`],
    ]);
  });

  it('takes CRLF for one line break where a packed file is unpacked in between', async () => {
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const header = `id,${'n'.repeat(16_380)}`; // CR is the last of the 16,384 bytes that come first
    const file = folder.write('a.csv.gz', gzipSync(`${header}\r\n1,a\r\n2\r\n3,c\r\n`));
    const { items } = await drain(source(file, { rejectedFile }), 10);
    expect(items.map(({ _row }) => _row)).toEqual([0, 2]);
    expect(readJsonLines(rejectedFile).map(({ lineNumber, text }) => [lineNumber, text])).toEqual([[3, '2']]);
  });

  it('finds the line in a large packed file, and loses no good row beside bad ones', async () => {
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const rows = Array.from({ length: 60_000 }, (_, i) =>
      i % 20_000 === 7_777 ? `${i}` : `${i},"name\n${i}"`,
    );
    const file = folder.write('a.csv.gz', gzipSync(`id,name\n${rows.join('\n')}\n`));
    const { items, statistics } = await drain(source(file, { rejectedFile }), 5_000);
    expect(statistics).toEqual({ csv_lines_read: 59_997, csv_lines_rejected: 3 });
    expect(items.every(({ id, _row }) => Number(id) === _row)).toBe(true);
    const bad = [7_777, 27_777, 47_777];
    const lineOf = (row: number) => 2 + 2 * row - bad.filter((b) => b < row).length;
    expect(readJsonLines(rejectedFile).map(({ lineNumber }) => lineNumber)).toEqual(bad.map(lineOf));
  });

  it.each([
    ['LF in fields of a file with CRLF', 'a,b\r\n1,"x\ny"\r\n2,z\r\n', 'x\ny'],
    ['CRLF in fields of a file with LF', 'a,b\n1,"x\r\ny"\n2,z\n', 'x\r\ny'],
    ['CR in fields of a file with LF', 'a,b\n1,"x\ry"\n2,z\n', 'x\ry'],
  ])('keeps line breaks in fields as they are: %s', async (_what, content, field) => {
    const folder = useFolder();
    for (const types of ['text', { b: 'VARCHAR' }] as const) {
      const { items } = await drain(source(folder.write('a.csv', content), { types }), 10);
      expect(items).toEqual([
        { a: '1', b: field, _row: 0 },
        { a: '2', b: 'z', _row: 1 },
      ]);
    }
  });

  it('refuses what it would read no row of: a header with line breaks that are not those of the file', async () => {
    const file = useFolder().write('a.csv', '"a\nx",b\r\n1,2\r\n3,4\r\n');
    await expect(drain(source(file), 10)).rejects.toMatchObject({ code: 'GW_SOURCE_FORMAT' });
  });

  it('reads chosen columns alone, in their order, whatever values the others have', async () => {
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const file = folder.write(
      'a.csv',
      '_row,n,Name,t\n1,1,Ann,x\n2,y,Bob,x\n3,3,Cay\n4,z,Dan,1\n5,5.5,Eve,2\n',
    );
    const types = { n: 'INTEGER', t: 'INTEGER' };
    const named = source(file, { columns: ['name', 'n'], types, rejectedFile });
    const { items, statistics } = await drain(named, 10);
    expect(items.map((row) => Object.entries(row))).toEqual([
      [
        ['Name', 'Ann'],
        ['n', 1],
        ['_row', 0],
      ],
    ]);
    expect(statistics).toEqual({ csv_lines_read: 1, csv_lines_rejected: 4 });
    expect(readJsonLines(rejectedFile).map(({ lineNumber, text }) => [lineNumber, text])).toEqual([
      [3, '2,y,Bob,x'],
      [4, '3,3,Cay'],
      [5, '4,z,Dan,1'],
      [6, '5,5.5,Eve,2'],
    ]);
    const all = await drain(source(file, { columns: ['t'], types: { n: 'INTEGER' }, rejectedFile }), 10);
    expect(all.items.map(({ t }) => t)).toEqual(['x', 'x', '1', '2']);
    await expect(source(file, { columns: ['t', 'u'] }).countRows()).rejects.toMatchObject({
      code: 'GW_SOURCE_FORMAT',
      message: `${file} has no column u; it has _row, n, Name, t.`,
    });
    expect(() => source(file, { columns: [] })).toThrow(
      'Option `columns` must be a list of at least one name',
    );
  });

  it('gives types to a column whose name every object has', async () => {
    const file = useFolder().write('a.csv', 'constructor,n\nx,1\n');
    const { items } = await drain(source(file, { types: { n: 'INTEGER' } }), 10);
    expect(items).toEqual([{ constructor: 'x', n: 1, _row: 0 }]);
  });

  it('refuses a malformed line before any row when it is strict', async () => {
    const file = useFolder().write('a.csv', 'id,name\n1,Ann\n2\n');
    await expect(drain(source(file, { strict: true }), 10)).rejects.toMatchObject({
      code: 'GW_SOURCE_ROW',
      message: expect.stringContaining('a.csv:3 is malformed'),
    });
  });

  it('refuses files of a pattern that have other columns, before any row; their order may differ', async () => {
    const folder = useFolder();
    folder.write('1.csv', 'id,n\n1,a\n');
    folder.write('2.csv', 'n,id\nb,2\n');
    const { items } = await drain(source(folder.path('*.csv'), { rowNumbers: false }), 10);
    expect(items).toEqual([
      { id: '1', n: 'a' },
      { id: '2', n: 'b' },
    ]);
    for (const [header, file, column] of [
      ['id,m', '3.csv', 'n'],
      ['id,n,m', '1.csv', 'm'],
    ] as const) {
      folder.write('3.csv', `${header}\n`);
      await expect(source(folder.path('*.csv')).countRows()).rejects.toMatchObject({
        code: 'GW_SOURCE_FORMAT',
        message: expect.stringContaining(`${file} has no column ${column}`),
      });
    }
  });

  it('names columns without a name by their place, and reads a column _row where rows are not numbered', async () => {
    const file = useFolder().write('a.csv', ',_row,\n1,2,3\n');
    const { items } = await drain(source(file, { rowNumbers: false }), 10);
    expect(items).toEqual([{ column0: '1', _row: '2', column2: '3' }]);
  });

  it.each([
    ['a missing file', 'missing.csv', undefined, 'GW_SOURCE_MISSING', 'There is no file'],
    ['an empty file', 'empty.csv', '', 'GW_SOURCE_FORMAT', 'is empty'],
    ['a file that is not gzip', 'not.csv.gz', 'plain', 'GW_SOURCE_FORMAT', 'cannot be read as CSV'],
    ['a blank first line', 'blank.csv', '\na,b\n1,2\n', 'GW_SOURCE_FORMAT', 'begins with a blank line'],
    ['line breaks of two kinds', 'mixed.csv', 'a,b\r\n1,2\n', 'GW_SOURCE_FORMAT', 'LF, CRLF'],
    ['a delimiter that is another', 'semi.csv', '"a";"b"\n1;2\n', 'GW_SOURCE_FORMAT', '`delimiter` ,'],
    ['a column twice', 'twice.csv', 'a,b,a\n1,2,3\n', 'GW_SOURCE_FORMAT', 'two columns named a'],
    [
      'a column of other capitals',
      'capitals.csv',
      'id,ID\n1,2\n',
      'GW_SOURCE_FORMAT',
      'two columns named ID',
    ],
    ['a column of row numbers', 'row.csv', 'a,_row\n1,2\n', 'GW_SOURCE_FORMAT', '`rowNumbers: false`'],
    ['a column of a dangerous name', 'proto.csv', '__proto__\n1\n', 'GW_SOURCE_FORMAT', '__proto__'],
  ])('names %s', async (_what, name, content, code, message) => {
    const folder = useFolder();
    const file = content === undefined ? folder.path(name) : folder.write(name, content);
    const error = await drain(source(file), 10).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
    expect((error as Error).message).toContain(name);
  });

  it.each([
    ['UTF-16', Buffer.from('\ufeffid,n\n1,x\n', 'utf16le')],
    ['UTF-16 without a mark', Buffer.from('id,n\n1,x\n', 'utf16le')],
    ['Latin-1', Buffer.from('id,n\xe9\n1,x\n', 'latin1')],
  ])('names the encoding where the first line is not in it: %s', async (_encoding, content) => {
    const file = useFolder().write('a.csv', content);
    await expect(drain(source(file), 10)).rejects.toMatchObject({
      code: 'GW_SOURCE_FORMAT',
      message: expect.stringMatching(/a\.csv .*utf-8.*`encoding`/),
    });
  });

  it('names the column of a type that DuckDB does not have, and a folder as what it is', async () => {
    const folder = useFolder();
    const file = folder.write('a.csv', 'n\n1\n');
    await expect(drain(source(file, { types: { n: 'DUBLE' } }), 10)).rejects.toMatchObject({
      code: 'GW_SOURCE_FORMAT',
      message: expect.stringMatching(/Column n: .*DUBLE/),
    });
    await expect(drain(source(folder.path('.')), 10)).rejects.toMatchObject({
      code: 'GW_SOURCE_MISSING',
      message: expect.stringContaining('is a folder'),
    });
  });

  it('names a bad option with what it expects', () => {
    expect(() => source('a.csv', { delimiter: '' })).toThrow(
      'Option `delimiter` must be 1 to 4 characters, got "" (string).',
    );
    expect(() => source('a.csv', { delimitr: ';' } as Options)).toThrow('did you mean `delimiter`?');
    expect(() => source('a.csv', { types: 'guess' as 'text' })).toThrow('must be one of "text", "inferred"');
  });

  it('closes its database when it is left early, and can be read again', async () => {
    const file = useFolder().write('a.csv', `id\n${'1\n'.repeat(10_000)}`);
    const once = source(file);
    for await (const { batchSize } of once.getBatch(100)) {
      expect(batchSize).toBe(100);
      break;
    }
    expect((await drain(once, 10_000)).items).toHaveLength(10_000);
  });
});

/** As DuckDB spells it. */
function typeName(type: string): string {
  if (type === 'TIMESTAMPTZ') return 'TIMESTAMP WITH TIME ZONE';
  return type === 'TIMETZ' ? 'TIME WITH TIME ZONE' : type;
}

/** Node 20 has nothing to pack zstd with; DuckDB has. */
/** Packs a text of lines. */
async function zstdFile(path: string, text: string): Promise<string> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(
    `COPY (SELECT unnest(string_split('${text.trimEnd()}', '\n')) AS line) TO '${path}'
     (FORMAT csv, HEADER false, DELIMITER '\u0001', QUOTE '', ESCAPE '', COMPRESSION zstd)`,
  );
  return path;
}
