/** Efficiency of the schedules by workers: the mean of all cases as a line, the worst and the best as a band. */
import { ARRIVAL_NAMES, type ArrivalName } from './arrival.ts';
import { SCHEDULE_NAMES, type ScheduleName } from './simulate.ts';
import { element, INK, line, picture, rect, text } from './svg.ts';

export interface Point {
  readonly arrival: ArrivalName;
  readonly workers: number;
  readonly schedule: ScheduleName;
  readonly efficiency: number;
}

/** Okabe and Ito's colours, which colour-blind readers can tell apart; the markers differ, too. */
const LOOKS = {
  claims: { colour: '#0072b2', marker: 'circle' },
  waves: { colour: '#d55e00', marker: 'square' },
  'greedy waves': { colour: '#009e73', marker: 'triangle' },
} as const satisfies Record<ScheduleName, { readonly colour: string; readonly marker: string }>;

const TITLES = {
  'at once': 'all rows there at once',
  streaming: 'rows read while others are written',
} as const;
const [WIDTH, HEIGHT, TOP, LEFT, PANEL_WIDTH, PANEL_HEIGHT, GAP] = [800, 420, 86, 66, 330, 258, 44];

export function scheduleChart(points: readonly Point[]): string {
  const title = 'Time of the open-shop bound by the time of each schedule, for 4 to 64 workers';
  return picture(WIDTH, HEIGHT, title, [
    ...legend(),
    ...ARRIVAL_NAMES.flatMap((arrival, i) => {
      const left = LEFT + i * (PANEL_WIDTH + GAP);
      return panel(
        points.filter((point) => point.arrival === arrival),
        TITLES[arrival],
        left,
      );
    }),
    text(0, 0, 'bound / time taken', {
      transform: `translate(22 ${TOP + PANEL_HEIGHT / 2}) rotate(-90)`,
      'text-anchor': 'middle',
    }),
  ]);
}

function panel(points: readonly Point[], title: string, left: number): readonly string[] {
  const workers = [...new Set(points.map((point) => point.workers))].sort((a, b) => a - b);
  const x = (n: number) => left + ((workers.indexOf(n) + 0.5) / workers.length) * PANEL_WIDTH;
  const y = (efficiency: number) => TOP + (1 - efficiency) * PANEL_HEIGHT;
  const axes = [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((tick) => [
    line(left, y(tick), left + PANEL_WIDTH, y(tick), { 'stroke-opacity': tick === 0 ? 1 : 0.35 }),
    text(left - 8, y(tick) + 4.5, tick.toFixed(1), { 'text-anchor': 'end' }),
  ]);
  const below = workers.map((n) =>
    text(x(n), TOP + PANEL_HEIGHT + 20, String(n), { 'text-anchor': 'middle' }),
  );
  const middle = { 'text-anchor': 'middle' };
  const curves = SCHEDULE_NAMES.toReversed().flatMap((schedule) => {
    const ofWorkers = workers.map((n) => {
      const found = points.filter((point) => point.schedule === schedule && point.workers === n);
      const values = found.map(({ efficiency }) => efficiency);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return { at: x(n), mean: y(mean), least: y(Math.min(...values)), most: y(Math.max(...values)) };
    });
    const { colour } = LOOKS[schedule];
    const outline = [
      ...ofWorkers.map(({ at, most }) => pair(at, most)),
      ...ofWorkers.toReversed().map(({ at, least }) => pair(at, least)),
    ];
    return [
      element('polygon', { points: outline.join(' '), fill: colour, 'fill-opacity': 0.14 }),
      element('polyline', {
        points: ofWorkers.map(({ at, mean }) => pair(at, mean)).join(' '),
        fill: 'none',
        stroke: colour,
        'stroke-width': 2.5,
      }),
      ...ofWorkers.map(({ at, mean }) => marker(schedule, at, mean)),
    ];
  });
  return [
    text(left + PANEL_WIDTH / 2, TOP - 14, title, { ...middle, 'font-weight': 'bold' }),
    ...axes,
    ...curves,
    ...below,
    text(left + PANEL_WIDTH / 2, TOP + PANEL_HEIGHT + 42, 'workers', middle),
  ];
}

function legend(): readonly string[] {
  let left = LEFT;
  const entries = SCHEDULE_NAMES.flatMap((schedule) => {
    const at = left;
    left += schedule.length * 8 + 64;
    const { colour } = LOOKS[schedule];
    return [
      line(at, 30, at + 30, 30, { stroke: colour, 'stroke-width': 2.5 }),
      marker(schedule, at + 15, 30),
      text(at + 38, 34.5, schedule),
    ];
  });
  return [
    ...entries,
    rect(left, 22, 30, 16, { fill: INK, 'fill-opacity': 0.14 }),
    text(left + 38, 34.5, 'from the worst case to the best; lines are means'),
  ];
}

function marker(schedule: ScheduleName, x: number, y: number): string {
  const { colour: fill, marker: shape } = LOOKS[schedule];
  switch (shape) {
    case 'circle':
      return element('circle', { cx: x, cy: y, r: 4.5, fill });
    case 'square':
      return rect(x - 4, y - 4, 8, 8, { fill });
    case 'triangle':
      return element('polygon', {
        points: [pair(x, y - 5.5), pair(x - 5, y + 4), pair(x + 5, y + 4)].join(' '),
        fill,
      });
    default:
      return shape satisfies never;
  }
}

function pair(x: number, y: number): string {
  return `${x.toFixed(1)},${y.toFixed(1)}`;
}
