/** From the model to lines: pure, so that every width can be tested. No line is wider than the terminal. */
import stringWidth from 'string-width';
import type { Statistics } from '../core/statistics.ts';
import { formatCount } from '../core/text.ts';
import { formatDuration, formatRate, padTo } from './format.ts';
import { type Palette, paletteFor } from './palette.ts';
import type { TaskProgressState, TaskTree } from './task-progress.ts';

export interface FrameOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly nowMs: number;
  readonly colour: boolean;
}

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const SPIN_MS = 80;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const BAR_COLUMNS = { min: 10, max: 40 };
const NAME_COLUMNS = { min: 8, max: 28 };

/** Counts worth a place on one line, with the word for them. */
const KEY_COUNTS: readonly (readonly [name: string, one: string, many: string])[] = [
  ['nodes_created', 'node', 'nodes'],
  ['relationships_created', 'relationship', 'relationships'],
  ['constraints_added', 'constraint', 'constraints'],
  ['indexes_added', 'index', 'indexes'],
];

/** Gives the lines of one frame. */
export function renderFrame(tree: TaskTree, options: FrameOptions): string[] {
  const palette = paletteFor(options.colour);
  const nameColumns = Math.max(NAME_COLUMNS.min, Math.min(NAME_COLUMNS.max, longestName(tree.roots, 0)));
  return tree.roots
    .flatMap((root) => renderTask(root, 0, nameColumns, palette, options))
    .map((line) => truncate(line, options.width - 1, options.colour)); // a full last column makes some terminals wrap
}

function renderTask(
  state: TaskProgressState,
  depth: number,
  nameColumns: number,
  palette: Palette,
  options: FrameOptions,
): string[] {
  const indent = '  '.repeat(depth);
  const name = pad(state.task.name, Math.max(NAME_COLUMNS.min, nameColumns - 2 * depth));
  const lines: string[] = [];
  if (state.state === 'running' && state.children.length === 0) {
    lines.push(...renderRunning(state, indent, name, palette, options));
  } else {
    lines.push(
      `${indent}${mark(state, palette, options.nowMs)} ${paintName(state, name, palette)} ${summarise(state, palette, options.nowMs)}`,
    );
    if (
      state.state === 'failed' &&
      state.error &&
      state.children.every((child) => child.state !== 'failed')
    ) {
      const room = Math.max(NAME_COLUMNS.min, options.width - indent.length - 3);
      lines.push(...wrap(state.error.message, room).map((line) => `${indent}  ${palette.red(line)}`));
    }
  }
  return [
    ...lines,
    ...state.children.flatMap((child) => renderTask(child, depth + 1, nameColumns, palette, options)),
  ];
}

/** A running task has a line with its bar, and below it what a person watches for. */
function renderRunning(
  state: TaskProgressState,
  indent: string,
  name: string,
  palette: Palette,
  { width, nowMs }: FrameOptions,
): string[] {
  const { rows, rejectedRows, expectedRows, batches, retries } = state;
  const done = rows + rejectedRows;
  const share =
    expectedRows === undefined ? undefined : expectedRows === 0 ? 1 : Math.min(1, done / expectedRows);
  const percent = share === undefined ? '' : ` ${`${Math.floor(share * 100)}%`.padStart(4)}`;
  const eta = state.etaMs(nowMs);
  const tail = `${percent} ${formatRate(state.rate(nowMs)).padStart(6)} rows/s${eta === undefined ? '' : `  ${formatDuration(eta)} left`}`;
  const head = `${indent}${mark(state, palette, nowMs)} ${palette.bold(name)} `;
  const room = width - stringWidth(head) - tail.length;
  const bar = room >= BAR_COLUMNS.min ? drawBar(share, Math.min(BAR_COLUMNS.max, room), nowMs) : '';
  const counts = [
    expectedRows === undefined
      ? `${formatCount(rows)} rows`
      : `${formatCount(rows)} of ${formatCount(expectedRows)} rows`,
    batches > 0 ? counted(batches, 'batch', 'batches') : '',
    retries > 0 ? palette.yellow(counted(retries, 'retry', 'retries')) : '',
    rejectedRows > 0 ? palette.yellow(`${formatCount(rejectedRows)} rejected`) : '',
    formatDuration(state.elapsedMs(nowMs)),
  ].filter((count) => count !== '');
  return [`${head}${palette.cyan(bar)}${tail}`, `${indent}  ${palette.dim(counts.join(' · '))}`];
}

function summarise(state: TaskProgressState, palette: Palette, nowMs: number): string {
  if (state.state === 'waiting') return '';
  if (state.state === 'running') return palette.dim(formatDuration(state.elapsedMs(nowMs)));
  const parts = [formatDuration(state.elapsedMs(nowMs))];
  if (state.rows > 0)
    parts.push(`${formatCount(state.rows)} rows`, `${formatRate(state.rate(nowMs))} rows/s`);
  // What needs a look comes before what is only good to know: a narrow terminal cuts the end.
  const warnings = warningCounts(state).map((part) => palette.yellow(part));
  return [palette.dim(parts.join(' · ')), ...warnings, ...keyCounts(state.statistics).map(palette.dim)].join(
    palette.dim(' · '),
  );
}

/** Says in words what a task has made. */
export function keyCounts(statistics: Statistics): string[] {
  return KEY_COUNTS.filter(([name]) => statistics[name]).map(([name, one, many]) =>
    counted(statistics[name]!, one, many),
  );
}

/** Says in words what a person should look at: retries and rejected rows. */
export function warningCounts({
  retries,
  rejectedRows,
}: {
  readonly retries: number;
  readonly rejectedRows: number;
}): string[] {
  return [
    retries > 0 ? counted(retries, 'retry', 'retries') : '',
    rejectedRows > 0 ? `${formatCount(rejectedRows)} rejected` : '',
  ].filter((text) => text !== '');
}

function counted(count: number, one: string, many: string): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

function mark({ state }: TaskProgressState, { green, red, cyan, dim }: Palette, nowMs: number): string {
  switch (state) {
    case 'waiting':
      return dim('○');
    case 'running':
      return cyan(SPINNER[Math.floor(nowMs / SPIN_MS) % SPINNER.length]!);
    case 'done':
      return green('✔');
    case 'failed':
      return red('✖');
    default:
      return state satisfies never;
  }
}

function paintName({ state }: TaskProgressState, name: string, { dim, red }: Palette): string {
  return state === 'waiting' ? dim(name) : state === 'failed' ? red(name) : name;
}

/** A bar of eighths of a column; without a known end, a block that moves to and fro. */
function drawBar(share: number | undefined, columns: number, nowMs: number): string {
  const inner = columns - 2;
  if (share === undefined) {
    const block = Math.max(1, Math.floor(inner / 4));
    const steps = inner - block;
    const step = steps === 0 ? 0 : Math.floor(nowMs / SPIN_MS) % (2 * steps);
    const at = step <= steps ? step : 2 * steps - step;
    return `▕${' '.repeat(at)}${'█'.repeat(block)}${' '.repeat(inner - block - at)}▏`;
  }
  const eighths = Math.floor(share * inner * 8);
  const filled = `${'█'.repeat(Math.floor(eighths / 8))}${EIGHTHS[eighths % 8]}`;
  return `▕${filled.padEnd(inner)}▏`;
}

function longestName(states: readonly TaskProgressState[], depth: number): number {
  return Math.max(
    0,
    ...states.map(({ task, children }) =>
      Math.max(2 * depth + stringWidth(task.name), longestName(children, depth + 1)),
    ),
  );
}

function pad(text: string, columns: number): string {
  return padTo(truncate(text, columns, false), columns);
}

/** Breaks a text at blanks, or in a word that is longer than a line. */
function wrap(text: string, columns: number): string[] {
  return text
    .split('\n')
    .flatMap((line) => line.match(new RegExp(`.{1,${columns}}(?=\\s|$)|.{1,${columns}}`, 'gu')) ?? [])
    .map((line) => line.trim());
}

const ESCAPE = '\u001b';
const ANSI_OR_CHARACTER = new RegExp(`${ESCAPE}\\[[\\d;]*m|.`, 'gsu');

/** Cuts a line to the width, counting no colours and leaving none open. */
function truncate(line: string, width: number, colour: boolean): string {
  if (stringWidth(line) <= width) return line;
  let columns = 0;
  let cut = '';
  for (const [piece] of line.matchAll(ANSI_OR_CHARACTER)) {
    if (!piece.startsWith(ESCAPE)) columns += stringWidth(piece);
    if (columns > width - 1) break;
    cut += piece;
  }
  return `${cut}…${colour ? `${ESCAPE}[0m` : ''}`;
}
