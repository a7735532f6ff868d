/** Puts labels beside their points so that none covers another: greedy, the most important first. */
export interface Label {
  readonly text: string;
  /** Centre of the point before, left end of the text's base line after. */
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const CHARACTER_WIDTH = 8.2;
const LINE_HEIGHT = 12;
const GAP = 3;

/** Gives the labels that found a place: right of their point, or left, above, below. The rest are left out. */
export function placeLabels(
  labels: readonly Label[],
  area: { readonly width: number; readonly height: number },
): Label[] {
  const taken: Box[] = labels.map(({ x, y, radius }) => ({
    left: x - radius,
    right: x + radius,
    top: y - radius,
    bottom: y + radius,
  }));
  const placed: Label[] = [];
  for (const label of labels) {
    const width = label.text.length * CHARACTER_WIDTH;
    const at = candidates(label, width).find(([x, y]) => {
      const box = boxOf(x, y, width);
      const isInside = box.left >= 0 && box.right <= area.width && box.top >= 0 && box.bottom <= area.height;
      return isInside && !taken.some((other) => overlaps(box, other));
    });
    if (!at) continue;
    taken.push(boxOf(at[0], at[1], width));
    placed.push({ ...label, x: at[0], y: at[1] });
  }
  return placed;
}

function candidates({ x, y, radius }: Label, width: number): readonly (readonly [x: number, y: number])[] {
  const middle = y + LINE_HEIGHT / 2 - 2;
  return [
    [x + radius + GAP, middle],
    [x - radius - GAP - width, middle],
    [x - width / 2, y - radius - GAP],
    [x - width / 2, y + radius + GAP + LINE_HEIGHT - 2],
  ];
}

function boxOf(x: number, y: number, width: number): Box {
  return { left: x, right: x + width, top: y - LINE_HEIGHT + 2, bottom: y + 2 };
}

function overlaps(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
