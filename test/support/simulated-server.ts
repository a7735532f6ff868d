/** A server in virtual time: cores that are shared, a network, locks that collide, and a memory that ends. */
import type { CellOutcome, WriteLimit } from '../../src/parallel/adaptive-limit.ts';
import { mulberry32 } from './ratings.ts';

export interface SimulatedServer {
  readonly cores: number;
  /** CPU of a batch beside its rows. */
  readonly batchMs: number;
  /** CPU of a row. */
  readonly rowMs: number;
  /** Both ways together, off the CPU. */
  readonly networkMs: number;
  /** How much slower each further running batch makes all of them: caches, queues. Default: 0. */
  readonly friction?: number;
  /** Probability that two running batches deadlock. Default: 0. */
  readonly collision?: number;
  /** Rows of a batch that its memory holds. Default: any. */
  readonly memoryRows?: number;
  /** How much longer the first rows take, of their time: caches that are empty, code that is not compiled. Default: 0. */
  readonly warmUp?: number;
  /** How much longer the last rows take, of the time of the first: what is there has to be looked through. Default: 0. */
  readonly growth?: number;
  /** How much longer rows take while a checkpoint is made. Default: 0. */
  readonly spells?: number;
  /** Spread of the CPU times: exponent of a normal variable. Default: 0.3. */
  readonly spread?: number;
}

interface Job {
  readonly rows: number;
  readonly startedAtMs: number;
  /** What is left of the steps: waiting (off the CPU) and working in turn. */
  readonly steps: Step[];
  retries: number;
  halved: number;
}

interface Step {
  readonly kind: 'wait' | 'work';
  leftMs: number;
  readonly rows?: number;
}

export interface Simulated {
  readonly durationMs: number;
  readonly retries: number;
  readonly halved: number;
  /** Duration of the second half of the rows. */
  readonly secondHalfMs: number;
}

/** A cold Neo4j comes near its rate within some 300,000 rows. */
const WARM_ROWS = 100_000;

/** A checkpoint, and how often there is one. */
const SPELL_ROWS = 150_000;
const SPELL_EVERY_ROWS = 600_000;

/** Writes rows, as many batches at a time as the limit allows, and gives the time that it took. */
export function simulateLoad(
  server: SimulatedServer,
  rows: number,
  seed: number,
  limit: WriteLimit,
): Simulated {
  const random = mulberry32(seed);
  const {
    spread = 0.3,
    friction = 0,
    collision = 0,
    warmUp = 0,
    growth = 0,
    spells = 0,
    memoryRows = Number.POSITIVE_INFINITY,
  } = server;
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const noise = () => Math.exp(spread * normal() - spread ** 2 / 2);
  const slowness = () =>
    (1 + warmUp * Math.exp(-done / WARM_ROWS)) *
    (1 + (growth * done) / rows) *
    (1 + (done % SPELL_EVERY_ROWS < SPELL_ROWS ? spells : 0));
  const work = (n: number): Step => ({
    kind: 'work',
    leftMs: (server.batchMs + server.rowMs * n) * noise() * slowness(),
    rows: n,
  });
  let waiting = rows;
  let done = 0;
  let now = 0;
  let halfAtMs = 0;
  let retries = 0;
  let halved = 0;
  const running = new Set<Job>();
  const start = (): void => {
    const n = Math.min(waiting, limit.batchRows);
    waiting -= n;
    running.add({
      rows: n,
      startedAtMs: now,
      steps: [{ kind: 'wait', leftMs: server.networkMs }, work(n)],
      retries: 0,
      halved: 0,
    });
  };
  const endStep = (job: Job): void => {
    const step = job.steps.shift()!;
    if (step.kind === 'work') {
      const n = step.rows!;
      if (n > memoryRows) {
        job.halved++;
        const parts = [Math.ceil(n / 2), Math.floor(n / 2)];
        job.steps.unshift(
          ...parts.flatMap((part) => [{ kind: 'wait', leftMs: server.networkMs } as Step, work(part)]),
        );
        return;
      }
      const working = [...running].filter(({ steps }) => steps[0]?.kind === 'work').length;
      if (random() > (1 - collision) ** working) {
        job.retries++;
        job.steps.unshift(
          { kind: 'wait', leftMs: random() * Math.min(2_000, 20 * 2 ** job.retries) },
          work(n),
        );
        return;
      }
    }
    if (job.steps.length > 0) return;
    limit.onCell({
      rows: job.rows,
      latencyMs: now - job.startedAtMs,
      running: running.size,
      endedAtMs: now,
      statistics: {
        ...(job.retries > 0 && { retries: job.retries }),
        ...(job.halved > 0 && { batches_halved: job.halved }),
      },
    } satisfies CellOutcome);
    running.delete(job);
    retries += job.retries;
    halved += job.halved;
    done += job.rows;
    if (halfAtMs === 0 && done >= rows / 2) halfAtMs = now;
  };
  while (done < rows) {
    while (waiting > 0 && running.size < limit.workers) start();
    const working = [...running].filter(({ steps }) => steps[0]!.kind === 'work').length;
    const speed =
      Math.min(1, server.cores / Math.max(1, working)) / (1 + friction * Math.max(0, working - 1));
    let next = Number.POSITIVE_INFINITY;
    for (const { steps } of running) {
      const [{ kind, leftMs }] = steps as [Step];
      next = Math.min(next, kind === 'wait' ? leftMs : leftMs / speed);
    }
    now += next;
    for (const { steps } of running) steps[0]!.leftMs -= steps[0]!.kind === 'wait' ? next : next * speed;
    for (const job of [...running]) if (job.steps[0]!.leftMs <= 1e-9) endStep(job);
  }
  return { durationMs: now, retries, halved, secondHalfMs: now - halfAtMs };
}

/** A limit that does not change. */
export function fixedLimit(workers: number, batchRows: number): WriteLimit {
  return { workers, batchRows, onCell: () => undefined };
}
