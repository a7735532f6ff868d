import { ChangeSignal } from './change-signal.ts';

/**
 * Reads at most `limit` values ahead of the consumer, and hands them on in order. Leaving early waits for the read
 * that is under way and then closes the source; an error of the source comes after the values read before it.
 */
export async function* readAhead<T>(source: AsyncGenerator<T>, limit: number): AsyncGenerator<T> {
  if (limit === 0) {
    yield* source;
    return;
  }
  const buffer: T[] = [];
  let isLeft = false;
  const changed = new ChangeSignal();
  const pump = async (): Promise<void> => {
    for (;;) {
      while (buffer.length >= limit && !isLeft) await changed.next();
      if (isLeft) return;
      const { done, value } = await source.next();
      if (done) return;
      buffer.push(value);
      changed.notify();
    }
  };
  let isEnded = false;
  let failure: { readonly error: unknown } | undefined;
  const pumping = pump()
    .catch((error: unknown) => {
      failure = { error };
    })
    .finally(() => {
      isEnded = true;
      changed.notify();
    });
  try {
    for (;;) {
      while (buffer.length === 0 && !isEnded) await changed.next();
      if (buffer.length === 0) break;
      const value = buffer.shift() as T;
      changed.notify();
      yield value;
    }
    if (failure) throw failure.error;
  } finally {
    isLeft = true;
    changed.notify();
    await pumping;
    await source.return(undefined);
  }
}
