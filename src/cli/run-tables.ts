/** From kept runs to lines: pure, so that it can be tested without a database. */
import stringWidth from 'string-width';
import { formatCount } from '../core/text.ts';
import { formatDuration, formatRate, padTo } from '../reporting/format.ts';
import { type Palette, paletteFor } from '../reporting/palette.ts';
import type { KeptTask, KeptTree } from '../reporting/run-history.ts';
import { describeStatistics } from './tables.ts';

export interface RunTableOptions {
  readonly colour: boolean;
  /** Whether to list the statistics of each task. Default: those of the run in a sentence. */
  readonly details?: boolean;
}

interface Column<T> {
  readonly head: string;
  readonly text: (item: T) => string;
  readonly isNumber?: boolean;
}

/** Enough of an id to name a run. */
const SHORT_ID = 8;

/** Lists runs, one a line. */
export function formatRuns(runs: readonly KeptTask[], { colour }: RunTableOptions): string {
  const palette = paletteFor(colour);
  const columns: Column<KeptTask>[] = [
    { head: 'id', text: ({ id }) => id.slice(0, SHORT_ID) },
    { head: 'run', text: ({ name }) => name },
    { head: 'status', text: ({ status }) => paintStatus(status, palette) },
    { head: 'started', text: ({ startTime }) => formatTime(startTime, 'minutes') },
    ...MEASURES,
  ];
  return formatColumns(columns, runs, palette).join('\n');
}

/** Shows one run: its tasks as a tree, why it failed, what it made. */
export function formatRun(run: KeptTree, { colour, details = false }: RunTableOptions): string {
  const palette = paletteFor(colour);
  const lines = treeLines(run);
  const columns: Column<TreeLine>[] = [
    { head: 'task', text: ({ branch, task }) => `${branch && palette.dim(branch)}${task.name}` },
    { head: 'status', text: ({ task }) => paintStatus(task.status, palette) },
    ...MEASURES.map(({ text, ...column }) => ({ ...column, text: ({ task }: TreeLine) => text(task) })),
  ];
  const failures = lines
    .filter(({ task }) => task.error && task.tasks.every(({ error }) => !error))
    .map(({ task }) => palette.red(`${task.name}: ${task.error}`));
  const time = run.durationMs === null ? '' : `, ${formatDuration(run.durationMs)}`;
  return [
    `${palette.bold(run.name)}  ${palette.dim(run.id)}`,
    `${paintStatus(run.status, palette)}, started ${formatTime(run.startTime, 'seconds')}${time}`,
    '',
    ...formatColumns(columns, lines, palette),
    ...(failures.length > 0 ? ['', ...failures] : []),
    ...(details ? lines.flatMap(({ task }) => statisticsOf(task, palette)) : summaryOf(run)),
  ].join('\n');
}

const MEASURES: readonly Column<KeptTask>[] = [
  {
    head: 'duration',
    text: ({ durationMs }) => (durationMs === null ? '' : formatDuration(durationMs)),
    isNumber: true,
  },
  { head: 'batches', text: (task) => share(task, task.batches, task.expectedBatches), isNumber: true },
  { head: 'rows', text: (task) => share(task, task.rows, task.expectedRows), isNumber: true },
  { head: 'rows/s', text: ({ rows, durationMs }) => formatSpeed(rows, durationMs), isNumber: true },
  {
    head: 'rejected',
    text: ({ rejectedRows }) => (rejectedRows ? formatCount(rejectedRows) : ''),
    isNumber: true,
  },
];

interface TreeLine {
  readonly branch: string;
  readonly task: KeptTree;
}

function treeLines(task: KeptTree, branch = '', below = ''): readonly TreeLine[] {
  const last = task.tasks.length - 1;
  return [
    { branch, task },
    ...task.tasks.flatMap((child, i) =>
      treeLines(child, `${below}${i === last ? '└ ' : '├ '}`, `${below}${i === last ? '  ' : '│ '}`),
    ),
  ];
}

/** Lines columns up; numbers to the right, and no column that has nothing to say. */
function formatColumns<T>(columns: readonly Column<T>[], items: readonly T[], { dim }: Palette): string[] {
  const filled = columns
    .map((column) => ({ ...column, cells: items.map(column.text) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''))
    .map((column) => ({
      ...column,
      width: Math.max(...[column.head, ...column.cells].map((text) => stringWidth(text))),
    }));
  const line = (cellOf: (column: (typeof filled)[number]) => string): string =>
    filled
      .map((column) => padTo(cellOf(column), column.width, column.isNumber))
      .join('  ')
      .trimEnd();
  return [line(({ head }) => dim(head)), ...items.map((_, i) => line(({ cells }) => cells[i]!))];
}

/** How much was done; of how much, where it was not all. */
function share({ status }: KeptTask, done: number | null, expected: number | null): string {
  if (done === null) return '';
  return status === 'success' || !expected
    ? formatCount(done)
    : `${formatCount(done)} of ${formatCount(expected)}`;
}

function formatSpeed(rows: number | null, durationMs: number | null): string {
  return rows && durationMs ? formatRate((rows / durationMs) * 1000) : '';
}

function summaryOf({ statistics }: KeptTask): string[] {
  const described = describeStatistics(withoutZeros(statistics));
  return described.length > 0 ? ['', described.join(', ')] : [];
}

function statisticsOf({ name, statistics }: KeptTask, { bold }: Palette): string[] {
  const counts = Object.entries(withoutZeros(statistics)).map(([what, count]) => [what, formatCount(count)]);
  if (counts.length === 0) return [];
  const [whatWidth, countWidth] = [0, 1].map((i) => Math.max(...counts.map((pair) => pair[i]!.length)));
  return [
    '',
    bold(name),
    ...counts.map(([what, count]) => `  ${what!.padEnd(whatWidth!)}  ${count!.padStart(countWidth!)}`),
  ];
}

function withoutZeros(statistics: KeptTask['statistics']): KeptTask['statistics'] {
  return Object.fromEntries(Object.entries(statistics).filter(([, count]) => count !== 0));
}

function paintStatus(status: KeptTask['status'], { green, red, yellow, cyan, dim }: Palette): string {
  const paint = {
    open: dim,
    running: cyan,
    success: green,
    failure: red,
    aborted: yellow,
    lost: yellow,
  }[status];
  return paint ? paint(status) : status; // another program may write another word
}

/** The reader's own time: 2026-11-24 12:45. */
function formatTime(time: string | null, to: 'minutes' | 'seconds'): string {
  if (time === null) return '';
  const local = new Date(time);
  const shifted = new Date(local.getTime() - local.getTimezoneOffset() * 60_000);
  return shifted
    .toISOString()
    .replace('T', ' ')
    .slice(0, to === 'minutes' ? 16 : 19);
}
