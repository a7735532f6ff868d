import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ERROR_CODES } from '../../../src/core/errors.ts';

it('docs/errors.md has each code once, with cause and remedy, and no code that does not exist', () => {
  const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(GW_\w+)` \| (.+) \| (.+) \|$/gm)];
  expect(rows.map(([, code]) => code).sort()).toEqual(Object.keys(ERROR_CODES).sort());
  for (const [, code, cause, remedy] of rows) {
    expect(cause!.length, `${code} has a cause`).toBeGreaterThan(20);
    expect(remedy!.length, `${code} has a remedy`).toBeGreaterThan(10);
  }
});
