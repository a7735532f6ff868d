import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { TaskReturn } from '../../../src/core/task-return.ts';
import { renderFrame } from '../../../src/reporting/render-frame.ts';
import { TaskTree } from '../../../src/reporting/task-progress.ts';
import { fakeTask } from './fake-task.ts';

/** A group with one task done, one running, one failed and one that waits. */
function exampleTree(): TaskTree {
  const tree = new TaskTree();
  const waiting = fakeTask('afterwards');
  const group = fakeTask('US flights', [waiting]);
  const [airports, flights, broken] = ['airports', 'flights', 'broken'].map((name) =>
    fakeTask(name, undefined, group),
  );
  tree.get(group).start(0);
  tree.get(airports!).start(0);
  tree.get(airports!).add({ rows: 3_376, batches: 1 }, 1_000);
  tree.get(airports!).end(new TaskReturn({ summary: { nodes_created: 3_376 } }), 1_300);
  tree.get(flights!).start(2_000);
  tree.get(flights!).expectedRows = 400_000;
  tree.get(flights!).add({ rows: 100_000, batches: 4, rejectedRows: 3, statistics: { retries: 1 } }, 4_000);
  tree.get(broken!).start(2_000);
  const error = new Error('Cell (3, 4) with 5000 rows failed: A row breaks a constraint.');
  tree.get(broken!).end(new TaskReturn({ success: false, error }), 3_000);
  return tree;
}

const frame = (width: number, colour = false) => renderFrame(exampleTree(), { width, nowMs: 4_000, colour });

describe('renderFrame', () => {
  it('shows the tree, a bar for what runs, and what people watch for', () => {
    expect(frame(90)).toEqual([
      '⠋ US flights   4.0 s',
      '  ○ afterwards ',
      '  ✔ airports   1.3 s · 3,376 rows · 2.60k rows/s · 3,376 nodes',
      '  ⠋ flights    ▕█████████▌                            ▏  25%  50.0k rows/s  6.0 s left',
      '    100,000 of 400,000 rows · 4 batches · 1 retry · 3 rejected · 2.0 s',
      '  ✖ broken     1.0 s',
      '    Cell (3, 4) with 5000 rows failed: A row breaks a constraint.',
    ]);
  });

  it('gives the bar up on a narrow terminal, and wraps an error instead of cutting it', () => {
    const lines = frame(40);
    expect(lines.join('\n')).not.toContain('▕');
    expect(lines.slice(-2)).toEqual([
      '    Cell (3, 4) with 5000 rows failed:',
      '    A row breaks a constraint.',
    ]);
  });

  it('cuts a long name between characters', () => {
    const tree = new TaskTree();
    tree.get(fakeTask('🎉'.repeat(40))).start(0);
    expect(renderFrame(tree, { width: 200, nowMs: 0, colour: false })[0]).toContain(`${'🎉'.repeat(13)}… `);
  });

  it('counts the columns of wide characters', () => {
    const tree = new TaskTree();
    for (const name of ['空港の積み込み', 'airports']) {
      const task = fakeTask(name);
      tree.get(task).start(0);
      tree.get(task).end(new TaskReturn({ summary: {} }), 1_000);
    }
    const lines = renderFrame(tree, { width: 80, nowMs: 2_000, colour: false });
    expect(lines[0]).toContain('空港の積み込み 1.0 s');
    expect(stringWidth(lines[0]!)).toBe(stringWidth(lines[1]!));
    for (const line of renderFrame(tree, { width: 12, nowMs: 2_000, colour: false }))
      expect(stringWidth(line)).toBeLessThan(12);
  });

  it('moves a block to and fro where the end is not known', () => {
    const tree = new TaskTree();
    const task = fakeTask('reading');
    tree.get(task).start(0);
    const bars = [0, 400, 800].map((nowMs) => renderFrame(tree, { width: 80, nowMs, colour: false })[0]);
    expect(new Set(bars).size).toBe(3);
    expect(bars.join('')).not.toContain('left');
  });

  it('never makes a line wider than the terminal, nor colours a stream that has none', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 12, max: 220 }),
        fc.boolean(),
        fc.nat(2 ** 40),
        fc.string({ maxLength: 60 }),
        (width, colour, rows, name) => {
          const tree = exampleTree();
          const task = fakeTask(name.replaceAll(/[^\x20-\x7e]/g, '?'));
          tree.get(task).start(0);
          tree.get(task).expectedRows = rows * 2;
          tree
            .get(task)
            .add({ rows, batches: rows, rejectedRows: rows, statistics: { retries: rows } }, 3_000);
          for (const line of renderFrame(tree, { width, nowMs: 4_000, colour })) {
            expect(stripVTControlCharacters(line).length).toBeLessThan(width);
            if (!colour) expect(line).toBe(stripVTControlCharacters(line));
          }
        },
      ),
    );
  });
});
