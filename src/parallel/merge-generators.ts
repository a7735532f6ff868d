/** Yields from several generators whatever is ready first, one value ahead in each. Leaving early closes all of them. */
export async function* mergeGenerators<T>(generators: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  type Step = { readonly generator: AsyncGenerator<T>; readonly result: IteratorResult<T> };
  const pending = new Map<AsyncGenerator<T>, Promise<Step>>();
  const ask = (generator: AsyncGenerator<T>) => {
    const step = generator.next().then((result) => ({ generator, result }));
    step.catch(() => undefined); // it is thrown where it is awaited, or was overtaken by another error
    pending.set(generator, step);
  };
  try {
    for (const generator of generators) ask(generator);
    while (pending.size > 0) {
      const { generator, result } = await Promise.race(pending.values());
      pending.delete(generator);
      if (result.done) continue;
      ask(generator);
      yield result.value;
    }
  } finally {
    await Promise.allSettled(pending.values());
    await Promise.allSettled(generators.map((generator) => generator.return(undefined)));
  }
}
