/** Malformed lines of any file are found where DuckDB finds them itself, when the faults are such that it sees them. */
import { rmSync } from 'node:fs';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CSVBatchSource } from '../../src/sources/csv-batch-source.ts';
import { drain, PLAIN_CONTEXT } from '../support/batches.ts';
import { readJsonLines, useFolder } from '../support/files.ts';

/** A text that DuckDB casts to a BIGINT, and one that it does not; never one that it would round. */
const PIECES = ['1', '2', 'x', 'é', ',', ',', '"', '"', '""', ' ', '\n', '\n', '\n'];

describe('malformed lines', () => {
  it('are found with line and text, and the rows between them keep their numbers', async () => {
    const folder = useFolder();
    const rejectedFile = folder.path('rejected.jsonl');
    const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
    const contents = fc.tuple(
      fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }),
      fc.constantFrom('\n', '\r\n'),
    );
    await fc.assert(
      fc.asyncProperty(contents, async ([pieces, lineBreak]) => {
        // What DuckDB makes of blanks behind a quote depends on the type.
        const content = `a,b\n${pieces.join('').replace(/" +/g, '"')}\n`.replaceAll('\n', lineBreak);
        const file = folder.write('a.csv', content);
        rmSync(rejectedFile, { force: true });
        const expected = await byDuckDb(connection, file, content);
        fc.pre(expected !== 'lost');
        const source = new CSVBatchSource(PLAIN_CONTEXT, { file, rejectedFile, types: { a: 'BIGINT' } });
        const loaded = drain(source, 10);
        if (expected === undefined) {
          await expect(loaded).rejects.toMatchObject({ code: 'GW_SOURCE_FORMAT' });
          return;
        }
        const { items } = await loaded;
        const malformed = expected.length > 0 ? readJsonLines(rejectedFile) : [];
        // Of some DuckDB gives the end of the text only.
        const found = malformed.map(({ lineNumber, text }, i) => {
          const end = expected[i]?.text ?? '';
          return { lineNumber, text: String(text).endsWith(end) ? end : text };
        });
        expect(found).toEqual(expected);
        const numbers = items.map(({ _row }) => Number(_row));
        expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
        expect(numbers.at(-1) ?? -1).toBeLessThan(items.length + expected.length);
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 25) },
    );
  }, 30_000);
});

/**
 * What DuckDB's own cast refuses; undefined where it cannot read the file, 'lost' where two fields of a line have more behind their
 * closing quotes: then it says so twice of one place, and makes a row of what comes after if that has as many fields.
 */
async function byDuckDb(
  connection: DuckDBConnection,
  file: string,
  content: string,
): Promise<readonly { lineNumber: number; text: string }[] | 'lost' | undefined> {
  const options = `header=true, delim=',', quote='"', escape='"', auto_detect=false, store_rejects=true`;
  try {
    await connection.runAndReadAll(
      `SELECT * FROM read_csv('${file}', ${options}, columns={'a': 'BIGINT', 'b': 'VARCHAR'})`,
    );
  } catch {
    return undefined; // line breaks of two kinds
  }
  const faults = await connection.runAndReadAll(
    `SELECT min(line_byte_position)::INTEGER - 1 AS at, max_by(csv_line, strlen(csv_line)) AS text,
       count(*) FILTER (error_type = 'UNQUOTED VALUE') > 1 AS lost
     FROM reject_errors GROUP BY line ORDER BY line`,
  );
  await connection.run('DROP TABLE reject_errors; DROP TABLE reject_scans');
  const rows = faults.getRowObjectsJS();
  if (rows.some(({ lost }) => lost)) return 'lost';
  return rows.map(({ at, text }) => {
    const line = String(text).replace(/^[\r\n]+/, '');
    const start = Number(at) + String(text).length - line.length;
    const before = Buffer.from(content).toString('utf8', 0, start);
    return { lineNumber: before.split('\n').length, text: line.replace(/[\r\n]+$/, '') };
  });
}
