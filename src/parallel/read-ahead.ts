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
  let wake = deferred();
  const change = () => {
    wake.resolve();
    wake = deferred();
  };
  const pump = async (): Promise<void> => {
    for (;;) {
      while (buffer.length >= limit && !isLeft) await wake.promise;
      if (isLeft) return;
      const { done, value } = await source.next();
      if (done) return;
      buffer.push(value);
      change();
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
      change();
    });
  try {
    for (;;) {
      while (buffer.length === 0 && !isEnded) await wake.promise;
      if (buffer.length === 0) break;
      const value = buffer.shift() as T;
      change();
      yield value;
    }
    if (failure) throw failure.error;
  } finally {
    isLeft = true;
    change();
    await pumping;
    await source.return(undefined);
  }
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
