/** A line chart as SVG: throughput over writers. Its greys and lines are readable on light and on dark backgrounds. */

export interface Series {
  readonly name: string;
  readonly colour: string;
  /** By position on the x axis. */
  readonly values: readonly number[];
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Labels of the x axis, which has the same distance between all of them. */
  readonly xs: readonly (string | number)[];
  readonly series: readonly Series[];
}

const WIDTH = 760;
const HEIGHT = 420;
const PLOT = { left: 92, right: 24, top: 64, bottom: 64 };
/** A middle grey: its contrast is above 4 on white and on near-black alike. */
const INK = '#7d858e';
const Y_STEPS = 5;

export function curveSvg({ title, xLabel, yLabel, xs, series }: Chart): string {
  const [right, bottom] = [WIDTH - PLOT.right, HEIGHT - PLOT.bottom];
  const top = niceCeiling(Math.max(...series.flatMap(({ values }) => values)));
  const x = (i: number) => PLOT.left + ((i + 0.5) * (right - PLOT.left)) / xs.length;
  const y = (value: number) => bottom - (value / top) * (bottom - PLOT.top);
  const grid = Array.from({ length: Y_STEPS + 1 }, (_, i) => (i * top) / Y_STEPS).flatMap((value) => [
    `<line x1="${PLOT.left}" y1="${at(y(value))}" x2="${right}" y2="${at(y(value))}" stroke="${INK}" stroke-opacity="${value === 0 ? 1 : 0.3}"/>`,
    text(PLOT.left - 10, y(value) + 4, value.toLocaleString('en-US'), 'end'),
  ]);
  const ticks = xs.map((label, i) => text(x(i), bottom + 22, String(label)));
  const lines = series.flatMap(({ colour, values }) => [
    `<polyline fill="none" stroke="${colour}" stroke-width="2.5" points="${values.map((value, i) => `${at(x(i))},${at(y(value))}`).join(' ')}"/>`,
    ...values.map((value, i) => `<circle cx="${at(x(i))}" cy="${at(y(value))}" r="4" fill="${colour}"/>`),
  ]);
  const legend = series.flatMap(({ name, colour }, i) => {
    const left = PLOT.left + i * 220;
    return [
      `<line x1="${left}" y1="44" x2="${left + 24}" y2="44" stroke="${colour}" stroke-width="2.5"/>`,
      text(left + 32, 48, name, 'start'),
    ];
  });
  const middle = (PLOT.top + bottom) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="Inter, 'Helvetica Neue', Helvetica, Arial, sans-serif" font-size="13" role="img">`,
    `<title>${escaped(title)}</title>`,
    text(PLOT.left, 22, title, 'start', 'font-size="15" font-weight="600"'),
    ...legend,
    ...grid,
    ...ticks,
    text((PLOT.left + right) / 2, HEIGHT - 16, xLabel),
    text(22, middle, yLabel, 'middle', `transform="rotate(-90 22 ${middle})"`),
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}

/** The smallest of 1, 2, 2.5 and 5 times a power of ten that is not below the value. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value)!;
}

function text(x: number, y: number, content: string, anchor = 'middle', more = ''): string {
  return `<text x="${at(x)}" y="${at(y)}" fill="${INK}" text-anchor="${anchor}"${more && ` ${more}`}>${escaped(content)}</text>`;
}

function at(position: number): string {
  return position.toFixed(1);
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
