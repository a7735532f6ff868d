import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { ETLContext } from '../../context/etl-context.ts';
import { jsonValue } from '../../core/json.ts';
import { formatCount } from '../../core/text.ts';
import type { RejectedRow } from '../../sinks/rejected-rows.ts';
import { rejectedLines } from '../../sources/rejected-lines.ts';
import { RejectedRowsRetryTask } from '../../tasks/rejected-rows-retry-task.ts';
import { stopOnSignals } from '../signals.ts';
import { formatTable } from '../tables.ts';

/** Rows that were rejected for one cause. */
interface Cause {
  readonly stage: string;
  readonly code: string;
  /** What the messages have in common. */
  readonly message: string;
  rows: number;
  /** Where the first of them comes from. */
  readonly first: string;
  last: string;
}

/** `graphweft rejected show FILE` and `rejected retry FILE`. */
export function rejectedCommand(): Command {
  const rejected = new Command('rejected').description('look at rejected rows, and load them again');
  rejected
    .command('show')
    .description('sum up a file of rejected rows by cause')
    .argument('<file>', 'JSON lines, as a load writes them')
    .option('--json', 'as JSON, one object a line')
    .action(async (file: string, flags: { json?: boolean }) => {
      const causes = await causesOf(file);
      const total = causes.reduce((sum, { rows }) => sum + rows, 0);
      if (flags.json) return print(...causes.map((cause) => JSON.stringify(cause, jsonValue)));
      const columns = ['rows', 'stage', 'code', 'message', 'first', 'last'];
      if (causes.length > 0) print(formatTable(columns, causes as unknown as Record<string, unknown>[]));
      print(`${count(total, 'rejected row')}, ${count(causes.length, 'cause')}`);
    });
  rejected
    .command('retry')
    .description('load the rows of a file again, after they or the database were mended')
    .argument('<file>', 'JSON lines, as a load writes them, with FILE.loads.jsonl beside')
    .action(async (file: string) => {
      const { signal } = stopOnSignals();
      await using context = new ETLContext({ signal });
      const { success, summary, error } = await new RejectedRowsRetryTask(context, { file }).execute();
      if (!success) throw error;
      let [left, malformed] = [0, 0];
      if (existsSync(file)) {
        for await (const [, { row }] of rejectedLines(file)) {
          left++;
          if (row === undefined) malformed++;
        }
      }
      print(
        `${count(summary.cypher_rows_written ?? 0, 'row')} loaded; ${count(left, 'row')} left in ${file}` +
          (malformed > 0 ? ` (${formatCount(malformed)} of them malformed lines)` : ''),
      );
    });
  return rejected;
}

async function causesOf(file: string): Promise<readonly Cause[]> {
  const causes = new Map<string, Cause>();
  for await (const [, row] of rejectedLines(file)) {
    const message = commonPart(row.message);
    const key = `${row.stage}\n${row.code}\n${message}`;
    const place = placeOf(row);
    const cause = causes.get(key);
    if (cause) {
      cause.rows++;
      cause.last = place;
    } else causes.set(key, { rows: 1, stage: row.stage, code: row.code, message, first: place, last: place });
  }
  return [...causes.values()].sort((a, b) => b.rows - a.rows);
}

const SHOWN_CHARACTERS = 60;

/** Leaves out what differs from row to row: numbers, quoted values, and rows that are quoted whole. */
function commonPart(message: string): string {
  const common = (message.split('\n')[0] ?? '')
    .replace(/\brow \d+ \{.*/, 'a row')
    .replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '…')
    .replaceAll(/-?\d+(?:\.\d+)?/g, '…');
  return common.length > SHOWN_CHARACTERS ? `${common.slice(0, SHOWN_CHARACTERS)}…` : common;
}

function placeOf({ file, rowNumber, lineNumber }: RejectedRow): string {
  const place = rowNumber === null ? `line ${lineNumber ?? '?'}` : `row ${rowNumber}`;
  return file === null ? place : `${file.split(/[\\/]/).at(-1)}, ${place}`;
}

function count(n: number, what: string): string {
  return `${formatCount(n)} ${what}${n === 1 ? '' : 's'}`;
}

function print(...lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}
