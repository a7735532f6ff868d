/** As little SVG as the pictures need. They bring their own paper, so they are legible on light and dark pages. */

export const INK = '#24292f';
export const FAINT = '#8c959f';
const PAPER = '#ffffff';
const EDGE = '#d0d7de';

type Attributes = Readonly<Record<string, string | number>>;

export function element(name: string, attributes: Attributes, content = ''): string {
  const written = Object.entries(attributes).map(([key, value]) => {
    const text = typeof value === 'number' ? String(Number(value.toFixed(1))) : value;
    return ` ${key}="${escapeText(text)}"`;
  });
  return content === ''
    ? `<${name}${written.join('')}/>`
    : `<${name}${written.join('')}>${content}</${name}>`;
}

export function text(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return element('text', { x, y, fill: INK, ...attributes }, escapeText(content));
}

export function line(x1: number, y1: number, x2: number, y2: number, attributes: Attributes = {}): string {
  return element('line', { x1, y1, x2, y2, stroke: FAINT, ...attributes });
}

export function rect(x: number, y: number, width: number, height: number, attributes: Attributes): string {
  return element('rect', { x, y, width, height, ...attributes });
}

/** @param title Is read out in place of the picture. */
export function picture(width: number, height: number, title: string, content: readonly string[]): string {
  const paper = rect(0.5, 0.5, width - 1, height - 1, { rx: 8, fill: PAPER, stroke: EDGE });
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: 'img',
    'font-family': "'Helvetica Neue', Helvetica, Arial, sans-serif",
    'font-size': 13,
  };
  const parts = [element('title', {}, escapeText(title)), paper, ...content];
  return `${element('svg', attributes, `\n${parts.join('\n')}\n`)}\n`;
}

function escapeText(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
