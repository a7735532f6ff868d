import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { RecentTexts } from '../../../src/core/recent-texts.ts';

it('keeps no texts so long that thousands of them would fill the memory', () => {
  setFlagsFromString('--expose_gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const recent = new RecentTexts();
  const bytes = Buffer.alloc(65_536, 'x');
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 2_000; i++) {
    bytes.write(String(i).padStart(8, '0'));
    expect(recent.longTextAt(bytes, 0, bytes.length, Math.imul(i, 0x9e3779b1)).slice(0, 8)).toBe(
      String(i).padStart(8, '0'),
    );
  }
  collectGarbage();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20e6);
  expect(recent.longTextAt(bytes, 0, 8, 1)).toBe('00001999');
});
