import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { useFolder } from '../../support/files.ts';

const SCRIPT = new URL('./write-rows.mjs', import.meta.url).pathname;
const ROWS = 1_000_000;

describe('file sinks', () => {
  // Some 130 MB of rows. What DuckDB and zlib hold is outside of the heap, so the process as a whole is looked at.
  it.each([
    ['a.csv', 200],
    ['a.csv.gz', 200],
    ['a.parquet', 400],
  ])('write a million rows to %s within 48 MB of heap and %i MB in all', async (name, maxMb) => {
    const args = ['--max-old-space-size=48', SCRIPT, useFolder().path(name), String(ROWS)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { rows, peakMb } = JSON.parse(stdout);
    expect(rows).toBe(ROWS);
    expect(peakMb).toBeLessThan(maxMb);
  });
});
