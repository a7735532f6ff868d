import { describe, expect, it } from 'vitest';
import { readAhead } from '../../../src/parallel/read-ahead.ts';
import { collect, deferred, isSettled, quiet, rejectionOf } from '../core/deferred.ts';

/** Counts what is asked of it; `fail` names the index at which it throws. */
function counting(length: number, fail = -1) {
  const state = { asked: 0, closed: 0 };
  async function* values(): AsyncGenerator<number> {
    try {
      for (let i = 0; i < length; i++) {
        state.asked++;
        if (i === fail) throw new Error(`at ${i}`);
        yield i;
      }
    } finally {
      state.closed++;
    }
  }
  return { state, values: values() };
}

describe('readAhead', () => {
  it.each([0, 1, 2, 100])('hands on all values in order, with a limit of %i', async (limit) => {
    const { values, state } = counting(10);
    expect(await collect(readAhead(values, limit))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(state.closed).toBe(1);
  });

  it.each([0, 1, 3])('reads %i values ahead of the one handed out, and no more', async (limit) => {
    const { values, state } = counting(10);
    const ahead = readAhead(values, limit);
    for (let taken = 1; taken <= 5; taken++) {
      await ahead.next();
      await quiet();
      expect(state.asked).toBe(taken + limit);
    }
    await ahead.return(undefined);
    expect(state.closed).toBe(1);
  });

  it('reads nothing before someone asks', async () => {
    const { values, state } = counting(3);
    const ahead = readAhead(values, 2);
    await quiet();
    expect(state.asked).toBe(0);
    await ahead.return(undefined);
  });

  it.each([0, 1, 4])(
    'gives the error of the source after the values before it, with a limit of %i',
    async (limit) => {
      const { values, state } = counting(10, 3);
      const seen: number[] = [];
      const drain = async () => {
        for await (const value of readAhead(values, limit)) {
          seen.push(value);
          await quiet();
        }
      };
      expect(await rejectionOf(drain())).toMatchObject({ message: 'at 3' });
      expect(seen).toEqual([0, 1, 2]);
      expect(state.closed).toBe(1);
    },
  );

  it('lets no error of a value that nobody took go unhandled', async () => {
    const { values, state } = counting(10, 2);
    const ahead = readAhead(values, 4);
    await ahead.next();
    await quiet(); // the source has failed by now
    await ahead.return(undefined);
    expect(state).toEqual({ asked: 3, closed: 1 });
  });

  it('waits, when it is left, for the read that is under way, and then closes the source', async () => {
    const gate = deferred();
    let closed = 0;
    async function* slow(): AsyncGenerator<number> {
      try {
        yield 0;
        await gate.promise;
        yield 1;
      } finally {
        closed++;
      }
    }
    const ahead = readAhead(slow(), 2);
    await ahead.next();
    const leaving = ahead.return(undefined);
    expect(await isSettled(leaving)).toBe(false);
    expect(closed).toBe(0);
    gate.resolve();
    await leaving;
    expect(closed).toBe(1);
  });

  it('keeps the error of its consumer when closing the source fails too', async () => {
    async function* source(): AsyncGenerator<number> {
      try {
        yield 0;
        yield 1;
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: a source that cannot be closed is what this is about
        throw new Error('closing');
      }
    }
    const consume = async () => {
      for await (const _ of readAhead(source(), 1)) throw new Error('consumer');
    };
    expect(await rejectionOf(consume())).toMatchObject({ message: 'consumer' });
  });
});
