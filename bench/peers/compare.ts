/**
 * All contestants on one workload: each with each of its settings first, then in turn with the best of them.
 *
 * | what happens to a contestant | what is done |
 * |---|---|
 * | a setting fails, or loses rows, in the first pass | the setting is out |
 * | the chosen setting loses rows in a round | the next best one is taken, and its rounds are made up for |
 * | anything else fails, or no setting is left | the contestant is out, and the bench ends with exit code 1 |
 */
import { whole } from '../support/figures.ts';
import { say } from '../support/progress.ts';
import type { Workload } from '../workloads/workload.ts';
import type { Arena, Contestant, Settings, Tuning } from './contestant.ts';
import { type Run, runOnce } from './run-once.ts';

/** A setting in the first pass. */
export interface Try {
  readonly settings: Settings;
  readonly rowsPerSecond: number;
  readonly lost: number;
  readonly failure?: string;
}

export interface Entry {
  readonly contestant: Contestant;
  tries: readonly Try[];
  settings: Settings | undefined;
  runs: Run[];
  /** Why it is out. */
  failure?: string;
}

export interface Comparison {
  readonly work: Workload;
  /** Rows of the first pass. */
  readonly calibrationRows: number;
  readonly entries: readonly Entry[];
}

export interface CompareOptions {
  readonly contestants: readonly Contestant[];
  readonly tuning: Tuning;
  readonly rounds: number;
  /** What the first pass loads. */
  readonly calibration: Workload;
  /** Is called after every run. */
  readonly onRun: (comparison: Comparison) => void;
}

export async function compare(arena: Arena, work: Workload, options: CompareOptions): Promise<Comparison> {
  const { contestants, calibration, rounds, onRun } = options;
  const entries: readonly Entry[] = contestants.map((contestant) => ({
    contestant,
    tries: [],
    settings: undefined,
    runs: [],
  }));
  const comparison = { work, calibrationRows: calibration.rows, entries };
  await warmUp(arena, entries, calibration, options.tuning);
  for (const entry of entries) {
    await calibrate(arena, entry, calibration, options.tuning);
    onRun(comparison);
  }
  for (let round = 0; round < rounds; round++) {
    for (const entry of inTurn(entries, round)) {
      if (!entry.failure) await runRounds(arena, entry, work, round + 1);
      onRun(comparison);
    }
  }
  return comparison;
}

/** Another one begins each round, and every other round goes backwards: nobody always comes after the same one. */
function inTurn<T>(items: readonly T[], round: number): readonly T[] {
  const first = Math.floor(round / 2) % items.length;
  const turned = [...items.slice(first), ...items.slice(0, first)];
  return round % 2 === 0 ? turned : turned.reverse();
}

/** Lets everybody run once first: whoever is tried out first must not do so on a cold server. */
async function warmUp(
  arena: Arena,
  entries: readonly Entry[],
  work: Workload,
  tuning: Tuning,
): Promise<void> {
  for (const { contestant } of entries.filter((entry) => !entry.contestant.isOffline)) {
    const [first] = contestant.settings(tuning);
    const { failure } = await tryOut(arena, contestant, work, first!);
    say(`${work.name}, warm-up: ${contestant.name}${failure ? `: ${failure}` : ''}`);
  }
}

/** Tries each of the settings once. */
async function calibrate(arena: Arena, entry: Entry, work: Workload, tuning: Tuning): Promise<void> {
  const { contestant } = entry;
  const tries: Try[] = [];
  for (const settings of contestant.settings(tuning)) {
    const one = await tryOut(arena, contestant, work, settings);
    tries.push(one);
    const loss = one.lost > 0 ? `, ${whole(one.lost)} rows lost` : '';
    const came = one.failure ?? `${whole(one.rowsPerSecond)} rows/s${loss}`;
    say(`${work.name}, first pass: ${nameWith(contestant, settings)}: ${came}`);
  }
  entry.tries = tries;
  chooseBest(entry);
}

async function tryOut(
  arena: Arena,
  contestant: Contestant,
  work: Workload,
  settings: Settings,
): Promise<Try> {
  try {
    const { rowsPerSecond, lost } = await runOnce(arena, contestant, work, settings);
    return { settings, rowsPerSecond, lost };
  } catch (error) {
    arena.signal.throwIfAborted();
    return { settings, rowsPerSecond: 0, lost: 0, failure: (error as Error).message };
  }
}

/** Takes the fastest of the settings that lost nothing. */
function chooseBest(entry: Entry): void {
  const [best] = entry.tries
    .filter((one) => !one.failure && one.lost === 0)
    .toSorted((a, b) => b.rowsPerSecond - a.rowsPerSecond);
  entry.settings = best?.settings;
  if (!best) entry.failure = entry.tries.find(({ failure }) => failure)?.failure ?? 'every setting lost rows';
}

/** Makes the runs that are wanting up to a number of rounds: one, or more after a change of settings. */
async function runRounds(arena: Arena, entry: Entry, work: Workload, rounds: number): Promise<void> {
  const { contestant } = entry;
  while (entry.settings && entry.runs.length < rounds) {
    const { settings } = entry;
    const where = `${work.name}, round ${entry.runs.length + 1}: ${nameWith(contestant, settings)}`;
    try {
      const run = await runOnce(arena, contestant, work, settings);
      say(`${where}: ${whole(run.rowsPerSecond)} rows/s`);
      if (run.lost === 0) {
        entry.runs.push(run);
        continue;
      }
      say(`${where} lost ${whole(run.lost)} rows: the next best setting is taken`);
      entry.runs = [];
      entry.tries = entry.tries.map((one) => (one.settings === settings ? { ...one, lost: run.lost } : one));
      chooseBest(entry);
    } catch (error) {
      arena.signal.throwIfAborted();
      entry.failure = (error as Error).message;
      say(`${where} FAILED: ${entry.failure}`);
      return;
    }
  }
}

function nameWith({ name }: Contestant, settings: Settings): string {
  return [name, settingsText(settings)].filter(Boolean).join(' ');
}

/** Writers and rows a transaction: `4 × 10,000`; nothing for who decides itself. */
export function settingsText({ workers = 1, batchSize }: Settings): string {
  return batchSize === undefined ? '' : `${workers} × ${whole(batchSize)}`;
}
