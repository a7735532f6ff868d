/** Rows by cell before and after balancing, with the load of each bucket beside it. */
import { rowsByCell, type Split } from './split.ts';
import { element, FAINT, line, picture, rect, text } from './svg.ts';

const [WIDTH, HEIGHT, TOP, LEFT, GRID, BARS, GAP] = [800, 490, 62, 52, 280, 62, 8];
/** From few rows to many: ColorBrewer's YlGnBu, without its palest step. */
const COLOURS = ['#edf8b1', '#c7e9b4', '#7fcdbb', '#41b6c4', '#1d91c0', '#225ea8', '#0c2c84'] as const;
const [BAR, TOO_LONG] = ['#6e7781', '#d55e00'] as const;

export function gridPicture(before: Split, after: Split, workers: number): string {
  const grids = [before, after].map((split) => ({ tableSize: split.tableSize, counts: rowsByCell(split) }));
  const ideal = before.cells.length / workers;
  const longest = Math.max(...grids.flatMap((grid) => bucketRows(grid).flat()));
  const most = Math.max(...grids.flatMap(({ counts }) => [...counts]));
  const least = Math.max(
    1,
    Math.min(...grids.flatMap(({ counts }) => [...counts].filter((rows) => rows > 0))),
  );
  const scale: Scale = { ideal, longest, least, most };
  const title = `Rows by cell with ${workers} workers, before and after balancing`;
  return picture(WIDTH, HEIGHT, title, [
    ...panel(grids[0]!, 'by hash', LEFT, scale),
    ...panel(grids[1]!, 'balanced', LEFT + GRID + GAP + BARS + 36, scale),
    ...legend(scale, workers),
  ]);
}

interface Grid {
  readonly tableSize: number;
  readonly counts: Uint32Array;
}

interface Scale {
  readonly ideal: number;
  readonly longest: number;
  readonly least: number;
  readonly most: number;
}

function panel(grid: Grid, title: string, left: number, scale: Scale): readonly string[] {
  const { tableSize } = grid;
  const side = GRID / tableSize;
  const [ofRows, ofCols] = bucketRows(grid);
  const length = (rows: number) => (rows / scale.longest) * BARS;
  const fill = (rows: number) => ({ fill: rows > scale.ideal ? TOO_LONG : BAR });
  const [right, bottom] = [left + GRID + GAP, TOP + GRID + GAP];
  const idealAt = length(scale.ideal);
  const dashed = { 'stroke-dasharray': '4 3', stroke: '#24292f' };
  const middle = { 'text-anchor': 'middle' };
  return [
    text(left + GRID / 2, TOP - 32, title, { ...middle, 'font-weight': 'bold' }),
    text(left + GRID / 2, TOP - 10, `end key's bucket, 0 to ${tableSize - 1}`, middle),
    text(0, 0, `start key's bucket, 0 to ${tableSize - 1}`, {
      ...middle,
      transform: `translate(${left - 10} ${TOP + GRID / 2}) rotate(-90)`,
    }),
    ...cellsOf(grid, left, scale),
    ...ofRows.map((rows, i) => rect(right, TOP + i * side + 1, length(rows), side - 2, fill(rows))),
    ...ofCols.map((rows, i) => rect(left + i * side + 1, bottom, side - 2, length(rows), fill(rows))),
    line(right + idealAt, TOP - 4, right + idealAt, TOP + GRID + 4, dashed),
    line(left - 4, bottom + idealAt, left + GRID + 4, bottom + idealAt, dashed),
  ];
}

/** One path a colour, and one piece of it for neighbours in a row: a tenth of the bytes of a square a cell. */
function cellsOf({ tableSize, counts }: Grid, left: number, scale: Scale): readonly string[] {
  const side = GRID / tableSize;
  const paths = new Map<string, string>();
  for (let row = 0; row < tableSize; row++) {
    for (let col = 0, next = 0; col < tableSize; col = next) {
      const colour = colourOf(counts[row * tableSize + col]!, scale);
      for (next = col + 1; next < tableSize; next++)
        if (colourOf(counts[row * tableSize + next]!, scale) !== colour) break;
      const piece = `M${left + col * side} ${TOP + row * side}h${(next - col) * side}v${side}H${left + col * side}z`;
      paths.set(colour, (paths.get(colour) ?? '') + piece);
    }
  }
  // Without crisp edges browsers leave hairs between neighbours.
  return [...paths].map(([fill, d]) => element('path', { d, fill, 'shape-rendering': 'crispEdges' }));
}

function legend({ ideal, least, most }: Scale, workers: number): readonly string[] {
  const top = TOP + GRID + GAP + BARS + 24;
  const step = 22;
  const right = LEFT + COLOURS.length * step;
  const bars = LEFT + 360;
  const rows = (value: number) => Math.round(value).toLocaleString('en-US');
  return [
    text(LEFT, top + 4, 'rows of a cell, logarithmic'),
    ...COLOURS.map((fill, i) => rect(LEFT + i * step, top + 12, step, 14, { fill })),
    rect(LEFT, top + 12, COLOURS.length * step, 14, { fill: 'none', stroke: FAINT }),
    text(LEFT, top + 42, rows(least), { 'text-anchor': 'start' }),
    text(right, top + 42, rows(most), { 'text-anchor': 'end' }),
    rect(bars, top - 5, 26, 10, { fill: BAR }),
    text(bars + 36, top + 4, 'rows of a bucket'),
    rect(bars, top + 14, 26, 10, { fill: TOO_LONG }),
    text(bars + 36, top + 23, 'more than a worker’s share: the load waits for it'),
    line(bars, top + 38, bars + 26, top + 38, { 'stroke-dasharray': '4 3', stroke: '#24292f' }),
    text(bars + 36, top + 42, `a worker’s share: ${rows(ideal)} rows, of ${workers} workers`),
  ];
}

function bucketRows({ tableSize, counts }: Grid): readonly [number[], number[]] {
  const rows = new Array<number>(tableSize).fill(0);
  const cols = new Array<number>(tableSize).fill(0);
  for (const [cell, count] of counts.entries()) {
    rows[Math.floor(cell / tableSize)]! += count;
    cols[cell % tableSize]! += count;
  }
  return [rows, cols];
}

function colourOf(rows: number, { least, most }: Scale): string {
  if (rows === 0) return '#ffffff';
  const place = Math.log(rows / least) / Math.log(most / least);
  return COLOURS[Math.min(COLOURS.length - 1, Math.floor(place * COLOURS.length))]!;
}
