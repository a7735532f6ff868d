import { describe, expect, it } from 'vitest';
import type { BatchSource } from '../../../src/core/batch-processor.ts';
import { ClosedLoopBatchProcessor } from '../../../src/core/closed-loop-batch-processor.ts';
import { AbortedError } from '../../../src/core/errors.ts';
import { ArraySource } from './array-source.ts';
import { collect, rejectionOf } from './deferred.ts';
import { FunctionTask, testContext } from './test-context.ts';

function loop(predecessor: BatchSource<number>) {
  const context = testContext();
  const task = new FunctionTask(context, 'load');
  return { context, task, closedLoop: new ClosedLoopBatchProcessor(context, { predecessor, task }) };
}

describe('ClosedLoopBatchProcessor', () => {
  it('drives the chain to its end and yields once, with all statistics and rows', async () => {
    const source = new ArraySource([[1, 2], [3], [4, 5, 6]]);
    const results = await collect(loop(source).closedLoop.getBatch(3));
    expect(results).toEqual([{ chunk: [], statistics: { rows_read: 6 }, batchSize: 6 }]);
    expect(source).toMatchObject({ isExhausted: true, closed: 1, sizes: [3] });
  });

  it('yields once for an empty source too', async () => {
    const results = await collect(loop(new ArraySource([])).closedLoop.getBatch(3));
    expect(results).toEqual([{ chunk: [], statistics: {}, batchSize: 0 }]);
  });

  it('reports each batch with its own rows and statistics', async () => {
    const { context, closedLoop } = loop(new ArraySource([[1, 2], [3]]));
    await collect(closedLoop.getBatch(2));
    expect(context.reporter.progress).toEqual([
      { rows: 2, batches: 1, statistics: { rows_read: 2 } },
      { rows: 1, batches: 1, statistics: { rows_read: 1 } },
    ]);
  });

  it('reports a batch before it asks for the next', async () => {
    const seen: number[] = [];
    const { context, closedLoop } = loop(
      new ArraySource([[1], [2]], { before: () => seen.push(context.reporter.progress.length) }),
    );
    await collect(closedLoop.getBatch(1));
    expect(seen).toEqual([0, 1, 2]);
  });

  it('reports nothing a second time where the chain reports itself', async () => {
    const source: BatchSource<number> = Object.assign(new ArraySource([[1], [2]]), { reportsProgress: true });
    const { context, closedLoop } = loop(source);
    const [result] = await collect(closedLoop.getBatch(1));
    expect(context.reporter.progress).toEqual([]);
    expect(result).toMatchObject({ batchSize: 2, statistics: { rows_read: 2 } });
  });

  it('tells how many rows to expect, where the source knows', async () => {
    const known = loop(new ArraySource([[1]], { count: 1 }));
    await collect(known.closedLoop.getBatch(1));
    expect(known.context.reporter.events[0]).toEqual({ type: 'expects', task: 'load', rows: 1 });
    const unknown = loop(new ArraySource([[1]]));
    await collect(unknown.closedLoop.getBatch(1));
    expect(unknown.context.reporter.log).toEqual(['progress load']);
  });

  it('works without a task', async () => {
    const context = testContext();
    const predecessor = new ArraySource([[1], [2]], { count: 2 });
    const results = await collect(new ClosedLoopBatchProcessor(context, { predecessor }).getBatch(1));
    expect(results).toEqual([{ chunk: [], statistics: { rows_read: 2 }, batchSize: 2 }]);
    expect(context.reporter.events).toEqual([]);
  });

  it('stops after the batch during which it was aborted, counts it and closes the chain', async () => {
    const source = new ArraySource([[1], [2], [3]], { before: (i) => i === 1 && abort() });
    const { context, closedLoop } = loop(source);
    const abort = () => context.abort.abort();
    expect(await rejectionOf(collect(closedLoop.getBatch(1)))).toBeInstanceOf(AbortedError);
    expect(source).toMatchObject({ asked: 2, closed: 1, isExhausted: false });
    expect(context.reporter.progress).toHaveLength(2);
  });

  it('reads nothing when it is aborted before', async () => {
    const source = new ArraySource([[1]]);
    const { context, closedLoop } = loop(source);
    context.abort.abort();
    expect(await rejectionOf(collect(closedLoop.getBatch(1)))).toBeInstanceOf(AbortedError);
    expect(source.opened).toBe(0);
  });

  it('passes on the error of the chain as it is', async () => {
    const boom = new Error('boom');
    const source = new ArraySource([[1], [2]], {
      before: (i) => (i === 1 ? Promise.reject(boom) : undefined),
    });
    expect(await rejectionOf(collect(loop(source).closedLoop.getBatch(1)))).toBe(boom);
    expect(source.closed).toBe(1);
  });

  it.each([0, -1, 1.5, Number.NaN, '10'])('refuses %s as the batch size', async (size) => {
    const { closedLoop } = loop(new ArraySource([[1]]));
    expect(await rejectionOf(collect(closedLoop.getBatch(size as number)))).toMatchObject({
      code: 'GW_CONFIG_OPTION',
      details: { option: 'maxBatchSize' },
    });
  });
});
