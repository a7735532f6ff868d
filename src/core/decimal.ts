/** From here on floats leave integers out. */
export const TWO_TO_53 = 2 ** 53;

/**
 * Gives the float nearest to a decimal (`-1.50`, without an exponent; `NaN` and `Infinity` too); undefined for one beyond all
 * floats, and for a whole number that no float equals: keys that differ would become one.
 */
export function nearestFloat(decimal: string): number | undefined {
  const number = Number(decimal);
  if (Math.abs(number) < TWO_TO_53 || !/\d/.test(decimal)) return number;
  if (!Number.isFinite(number)) return undefined;
  const [whole, fraction = ''] = decimal.split('.');
  return /[1-9]/.test(fraction) || BigInt(whole!) === BigInt(number) ? number : undefined;
}
