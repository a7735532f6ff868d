import { describe, expect, it } from 'vitest';
import { BatchProcessor, type BatchResults } from '../../../src/core/batch-processor.ts';
import { ConfigError } from '../../../src/core/errors.ts';
import { ArraySource } from './array-source.ts';
import { collect, rejectionOf } from './deferred.ts';
import { FunctionTask, testContext } from './test-context.ts';

class Doubling extends BatchProcessor<number, number> {
  isClosed = false;
  override async *getBatch(maxBatchSize: number): AsyncGenerator<BatchResults<number>> {
    try {
      for await (const batch of this.predecessor.getBatch(maxBatchSize)) {
        if (batch.chunk.includes(13)) throw new Error('thirteen');
        yield { ...batch, chunk: batch.chunk.map((n) => n * 2) };
      }
    } finally {
      this.isClosed = true;
    }
  }
  aborts(): AbortSignal {
    return this.signal;
  }
}

function chain(batches: readonly (readonly number[])[]) {
  const context = testContext();
  const source = new ArraySource(batches, { count: 99 });
  const middle = new Doubling(context, { predecessor: source });
  return { context, source, middle, end: new Doubling(context, { predecessor: middle }) };
}

describe('BatchProcessor', () => {
  it('is pulled from its end: nothing is read before someone asks', async () => {
    const { source, end } = chain([[1], [2], [3]]);
    const generator = end.getBatch(5);
    expect(source.opened).toBe(0);
    await generator.next();
    expect(source.asked).toBe(1);
    await generator.next();
    expect(source.asked).toBe(2);
    await generator.return(undefined);
  });

  it('takes anything with getBatch as its predecessor, and passes the batch size up', async () => {
    const { source, end } = chain([[1, 2], [3]]);
    const batches = await collect(end.getBatch(7));
    expect(batches.map(({ chunk }) => chunk)).toEqual([[4, 8], [12]]);
    expect(source.sizes).toEqual([7]);
  });

  it('closes every processor above when it is left early', async () => {
    const { source, middle, end } = chain([[1], [2], [3]]);
    for await (const { chunk } of end.getBatch(1)) {
      expect(chunk).toEqual([4]);
      break;
    }
    expect([source.closed, middle.isClosed, end.isClosed]).toEqual([1, true, true]);
    expect(source.asked).toBe(1);
  });

  it('closes every processor above when one fails', async () => {
    const { source, middle, end } = chain([[1], [13], [3]]);
    expect(await rejectionOf(collect(end.getBatch(1)))).toMatchObject({ message: 'thirteen' });
    expect([source.closed, middle.isClosed, end.isClosed]).toEqual([1, true, true]);
    expect(source.asked).toBe(2);
  });

  it('names itself when it has no predecessor to pull from', async () => {
    const error = await rejectionOf(collect(new Doubling(testContext()).getBatch(1)));
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(/Doubling.*`predecessor`/);
  });

  it('knows the row count that its source knows', async () => {
    expect(await chain([]).end.countRows()).toBe(99);
    const bare = { getBatch: new ArraySource([]).getBatch };
    expect(await new Doubling(testContext(), { predecessor: bare as never }).countRows()).toBeUndefined();
  });

  it('has the signal of its task, or else of its context', async () => {
    const context = testContext();
    const abort = new AbortController();
    const task = new FunctionTask(context, 'task');
    await task.execute({ signal: abort.signal });
    const withTask = new Doubling(context, { task });
    const without = new Doubling(context);
    abort.abort();
    expect([withTask.aborts().aborted, without.aborts().aborted]).toEqual([true, false]);
    context.abort.abort();
    expect(without.aborts().aborted).toBe(true);
  });
});
