import type { Environment } from '../core/context.ts';

type Paint = (text: string) => string;

export interface Palette {
  readonly dim: Paint;
  readonly bold: Paint;
  readonly green: Paint;
  readonly red: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

const ESCAPE = '\u001b';

/** Gives what colours a text, or leaves it as it is. */
export function paletteFor(colour: boolean): Palette {
  const paint =
    (on: number, off: number): Paint =>
    (text) =>
      colour ? `${ESCAPE}[${on}m${text}${ESCAPE}[${off}m` : text;
  return {
    dim: paint(2, 22),
    bold: paint(1, 22),
    green: paint(32, 39),
    red: paint(31, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
  };
}

/** @see https://no-color.org */
export function hasColour(env: Environment, isTerminal: boolean): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return isTerminal;
}
