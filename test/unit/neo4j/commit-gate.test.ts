import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CommitGate } from '../../../src/neo4j/commit-gate.ts';

vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number, value: unknown, { signal }: { signal: AbortSignal }) =>
    new Promise((done, fail) => {
      const timer = setTimeout(() => done(value), ms);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        fail(signal.reason);
      });
    }),
}));

const ROUND_TRIP_MS = 10;
const ROWS = 1_000;

describe('commits that are sent through a gate of one place', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  /** Sends commits at once, each answered after so many ms, and gives when each was sent. */
  async function sentAt(gate: CommitGate, latenciesMs: readonly number[]): Promise<readonly number[]> {
    const start = performance.now();
    const sent: number[] = [];
    const all = latenciesMs.map((ms) =>
      gate.pass(ROWS, () => {
        sent.push(Math.round(performance.now() - start));
        return new Promise((answered) => setTimeout(answered, ms));
      }),
    );
    await vi.runAllTimersAsync();
    await Promise.all(all);
    return sent;
  }

  /** A gate that has seen a commit take 20 ms of the server and a round trip of 10. */
  async function farGate(): Promise<CommitGate> {
    const gate = new CommitGate(1);
    for (const ms of [14, ROUND_TRIP_MS, 90]) gate.noteRoundTrip(ms);
    await sentAt(gate, [30]);
    return gate;
  }

  it('wait for the answer to the one before where the server is near', async () => {
    const gate = new CommitGate(1);
    for (const ms of [5, 1]) gate.noteRoundTrip(ms);
    await sentAt(gate, [21]);
    expect(await sentAt(gate, [21, 21, 21])).toEqual([0, 21, 42]);
  });

  it('give their place up when the answer does not come', async () => {
    expect(await sentAt(new CommitGate(1), [3_000, 20, 20])).toEqual([0, 1_000, 1_020]);
  });

  it('are sent a round trip before that answer where it is far', async () => {
    expect(await sentAt(await farGate(), [30, 30, 30])).toEqual([0, 20, 40]);
  });

  it('wait for it where nobody has asked how far the server is', async () => {
    const gate = new CommitGate(1);
    await sentAt(gate, [30]);
    expect(await sentAt(gate, [30, 30])).toEqual([0, 30]);
  });

  it('are sent when a place is free, never later, whatever was estimated', async () => {
    expect(await sentAt(await farGate(), [12, 12])).toEqual([0, 12]);
  });

  it('keep more of a distance for a while after a deadlock', async () => {
    const gate = await farGate();
    gate.noteDeadlock();
    expect(await sentAt(gate, [30, 30])).toEqual([0, 30]);
    await sentAt(
      gate,
      Array.from({ length: 50 }, () => 30),
    );
    expect(await sentAt(gate, [30, 30])).toEqual([0, 20]);
  });
});
