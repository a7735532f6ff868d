/** One rating; the pair may come again with another rating, and the last one counts. */
export interface Rating {
  readonly user: number;
  readonly movie: number;
  readonly rating: number;
}

/** Makes ratings under a power law: few users and movies have most of them. The same for the same seed. */
export function skewedRatings(count: number, seed: number): Rating[] {
  const random = mulberry32(seed);
  const draw = (size: number) => Math.floor(size * random() ** 3);
  return Array.from({ length: count }, () => ({
    user: draw(20_000),
    movie: draw(5_000),
    rating: 1 + Math.floor(random() * 5),
  }));
}

/** Mulberry32 (Ettinger 2017): small, seeded, good enough for test data. */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
