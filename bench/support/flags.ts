import { InvalidArgumentError } from 'commander';

export function wholeNumber(text: string): number {
  if (/^\d+$/.test(text) && Number(text) >= 1) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 on.');
}

export function wholeNumbers(text: string): readonly number[] {
  return text.split(',').map(wholeNumber);
}
