import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ETLContext } from '../../../src/context/etl-context.ts';
import { SILENT_REPORTER } from '../../../src/core/reporter.ts';
import { TaskReturn } from '../../../src/core/task-return.ts';
import { createReporter } from '../../../src/reporting/create-reporter.ts';
import { LogReporter } from '../../../src/reporting/log-reporter.ts';
import { type ReportStream, TerminalReporter } from '../../../src/reporting/terminal-reporter.ts';
import { fakeTask } from './fake-task.ts';

const ESCAPE = '\u001b';

function recordingStream(
  isTTY: boolean,
  columns = 80,
): { readonly stream: ReportStream; readonly text: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns, rows: 40 });
  let text = '';
  stream.on('data', (data: Buffer) => {
    text += data.toString();
  });
  return { stream, text: () => text };
}

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

describe('TerminalReporter', () => {
  it('prints plain lines where there is no terminal: start, now and then, end', () => {
    const { stream, text } = recordingStream(false);
    const reporter = new TerminalReporter({ stream, env: {} });
    const group = fakeTask('load');
    const task = fakeTask('flights', undefined, group);
    reporter.taskStarted(group);
    reporter.taskStarted(task);
    reporter.taskExpects(task, { rows: 100_000 });
    for (let i = 0; i < 25; i++) {
      vi.advanceTimersByTime(1_000);
      reporter.taskProgress(task, { rows: 1_000, batches: 1, statistics: { retries: i === 3 ? 1 : 0 } });
    }
    reporter.warn('look here');
    reporter.notice('good to know');
    reporter.taskEnded(task, new TaskReturn({ summary: { relationships_created: 25_000, retries: 1 } }));
    reporter.taskEnded(group, new TaskReturn({ success: false, error: new Error('it broke') }));
    expect(text().split('\n')).toEqual([
      'load: started',
      '  flights: started',
      '  flights: 10,000 of 100,000 rows (10%), 1.00k rows/s, 1m 30s left, 1 retry',
      '  flights: 20,000 of 100,000 rows (20%), 1.00k rows/s, 1m 20s left, 1 retry',
      'warning: look here',
      'good to know',
      '  flights: done in 25.0 s: 25,000 rows, 1.00k rows/s, 25,000 relationships, 1 retry',
      'load: failed in 25.0 s: it broke',
      '',
    ]);
  });

  it('draws on a terminal, at most ten times a second, and stops drawing when nothing runs', async () => {
    const { stream, text } = recordingStream(true);
    const reporter = new TerminalReporter({ stream, env: {} });
    const task = fakeTask('flights');
    reporter.taskStarted(task);
    await vi.waitUntil(() => text() !== '');
    for (let i = 0; i < 1_000; i++) {
      vi.advanceTimersByTime(1);
      reporter.taskProgress(task, { rows: 10 });
    }
    const frames = text().split('rows/s').length - 1;
    expect(frames).toBeGreaterThan(5);
    expect(frames).toBeLessThanOrEqual(12);
    reporter.taskEnded(task, new TaskReturn());
    expect(vi.getTimerCount()).toBe(0);
    expect(text()).toContain('✔');
    expect(text()).toContain(`${ESCAPE}[32m`);
  });

  it('lets others write above its tree, and only while it draws', async () => {
    const { stream, text } = recordingStream(true);
    const reporter = new TerminalReporter({ stream, env: {} });
    const task = fakeTask('flights');
    expect(TerminalReporter.writeAbove(stream, 'SIGINT')).toBe(false);
    reporter.taskStarted(task);
    await vi.waitUntil(() => text() !== '');
    const before = text().length;
    expect(TerminalReporter.writeAbove(stream, 'SIGINT')).toBe(true);
    expect(TerminalReporter.writeAbove(recordingStream(true).stream, 'SIGINT')).toBe(false);
    const written = text().slice(before);
    // The tree is wiped, the line is written, the tree is drawn again.
    expect(written.indexOf('SIGINT\n')).toBeGreaterThan(0);
    expect(written.indexOf('flights')).toBeGreaterThan(written.indexOf('SIGINT'));
    reporter.taskEnded(task, new TaskReturn());
    expect(TerminalReporter.writeAbove(stream, 'SIGINT')).toBe(false);
  });

  it('honours NO_COLOR, TERM=dumb and CI', () => {
    const drawn = (env: Record<string, string>) => {
      const { stream, text } = recordingStream(true);
      const reporter = new TerminalReporter({ stream, env });
      const task = fakeTask('flights');
      reporter.taskStarted(task);
      reporter.taskEnded(task, new TaskReturn());
      return text();
    };
    expect(drawn({ NO_COLOR: '1' })).toContain('✔');
    expect(drawn({ NO_COLOR: '1' })).not.toContain(`${ESCAPE}[32m`);
    for (const env of [{ TERM: 'dumb' }, { CI: 'true' }])
      expect(drawn(env)).toBe('flights: started\nflights: done in 0 ms\n');
  });
});

describe('LogReporter', () => {
  it('writes JSON lines where there is no terminal, with the statistics that are not zero', () => {
    const { stream, text } = recordingStream(false);
    const reporter = new LogReporter({ stream, progressIntervalMs: 5_000 });
    const task = fakeTask('flights', undefined, fakeTask('load'));
    reporter.taskStarted(task);
    for (let i = 0; i < 12; i++) {
      vi.advanceTimersByTime(1_000);
      reporter.taskProgress(task, { rows: 500, statistics: { retries: 1 } });
    }
    reporter.taskEnded(task, new TaskReturn({ summary: { relationships_created: 6_000, nodes_created: 0 } }));
    reporter.warn('look here');
    const entries = text()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries.map(({ msg }) => msg)).toEqual([
      '  flights started',
      '  flights: 2,500 rows',
      '  flights: 5,000 rows',
      '  flights done in 12.0 s',
      'look here',
    ]);
    expect(entries[1]).toMatchObject({
      task: 'flights',
      depth: 1,
      rows: 2_500,
      rowsPerSecond: 500,
      retries: 5,
    });
    expect(entries[3]).toMatchObject({ durationMs: 12_000, summary: { relationships_created: 6_000 } });
    expect(entries[3]!.summary).not.toHaveProperty('nodes_created');
  });

  it('logs why a task failed, with its code, and its stack only at debug', () => {
    const failure = Object.assign(new Error('no answer'), { code: 'GW_NEO4J_UNAVAILABLE' });
    const logged = (level: string) => {
      const { stream, text } = recordingStream(false);
      const reporter = new LogReporter({ stream, level });
      const task = fakeTask('flights');
      reporter.taskStarted(task);
      reporter.taskEnded(task, new TaskReturn({ success: false, error: failure }));
      return JSON.parse(text().trim().split('\n').at(-1)!) as { error: Record<string, unknown> };
    };
    expect(logged('info').error).toEqual({ message: 'no answer', code: 'GW_NEO4J_UNAVAILABLE' });
    expect(String(logged('debug').error.stack)).toContain('at ');
  });

  it('is readable on a terminal', () => {
    const { stream, text } = recordingStream(true);
    const reporter = new LogReporter({ stream });
    reporter.taskStarted(fakeTask('flights'));
    expect(text()).toContain('flights started');
    expect(text()).not.toContain('{');
  });
});

describe('createReporter', () => {
  it('makes what options or environment ask for, and refuses what there is not', () => {
    expect(createReporter({ kind: 'none' })).toBe(SILENT_REPORTER);
    const { stream, text } = recordingStream(true);
    const reporter = createReporter({ env: { GRAPHWEFT_REPORTER: 'plain' }, stream });
    reporter.taskStarted(fakeTask('flights'));
    expect(text()).toBe('flights: started\n');
    const refused = 'Option `GRAPHWEFT_REPORTER` must be one of "auto"';
    const env = { GRAPHWEFT_REPORTER: 'loud' };
    expect(() => createReporter({ env })).toThrow(refused);
    expect(() => new ETLContext({ env })).toThrow(refused); // and not when a task is executed
  });
});
