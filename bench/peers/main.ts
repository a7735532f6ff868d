/**
 * graphweft beside the other ways into Neo4j: the same server and file, in turn, on an empty graph each time.
 * See ../README.md for the contestants and for what the columns mean.
 *
 *     npm run bench [-- --workload NAME] [--rows N] [--rounds N] [--without LIST]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { runProgram } from 'graphweft/cli';
import { withServer } from '../support/bench-server.ts';
import { wholeNumber, wholeNumbers } from '../support/flags.ts';
import { say, warnIfBusy } from '../support/progress.ts';
import { saveResults } from '../support/results.ts';
import { WORKLOAD_NAMES, type WorkloadName, workload } from '../workloads/workload.ts';
import { type Comparison, compare } from './compare.ts';
import type { Arena, Contestant } from './contestant.ts';
import { CONTESTANTS } from './contestants.ts';
import { reportText } from './report.ts';

interface Flags {
  readonly workload?: WorkloadName;
  readonly rows?: number;
  readonly rounds: number;
  readonly workers?: readonly number[];
  readonly tableSize: number;
  readonly batchSize: readonly number[];
  readonly calibrationRows: number;
  readonly only?: readonly string[];
  readonly without: readonly string[];
  readonly timeout: number;
}

const IDS = CONTESTANTS.map(({ id }) => id).join(', ');

const program = new Command('peers')
  .addOption(new Option('--workload <name>', 'one of them; all when left out').choices(WORKLOAD_NAMES))
  .option('--rows <n>', 'rows of each workload; when left out, as many as it has by itself', wholeNumber)
  .option('--rounds <n>', 'counted runs of each contestant', wholeNumber, 5)
  .option('--workers <list>', "numbers of writers to try; when left out, each contestant's own", wholeNumbers)
  .option('--table-size <n>', 'buckets on each side of the grid, with a statement', wholeNumber, 10)
  .option('--batch-size <list>', 'rows a transaction to try', wholeNumbers, [5_000, 10_000, 20_000])
  .option('--calibration-rows <n>', 'rows of the first pass, at most', wholeNumber, 300_000)
  .option('--only <list>', `some of the contestants: ${IDS}`, contestantIds)
  .option('--without <list>', 'all but these contestants', contestantIds, [])
  .option('--timeout <minutes>', 'a load that takes longer has failed', wholeNumber, 30)
  .action(bench);

await runProgram(program);

async function bench(flags: Flags): Promise<void> {
  warnIfBusy();
  const contestants = CONTESTANTS.filter(
    ({ id }) => (flags.only?.includes(id) ?? true) && !flags.without.includes(id),
  );
  for (const { prepare } of contestants) await prepare?.();
  const comparisons: Comparison[] = [];
  const scratch = mkdtempSync(join(tmpdir(), 'graphweft-bench-'));
  try {
    await withServer(async (server) => {
      const arena = { ...server, scratch, timeoutMs: flags.timeout * 60_000 };
      for (const name of flags.workload ? [flags.workload] : WORKLOAD_NAMES)
        comparisons.push(await compareOn(arena, name, contestants, flags));
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    if (comparisons.length > 0) process.stdout.write(`\n${reportText(comparisons)}`);
  }
  const entries = comparisons.flatMap((comparison) => comparison.entries);
  if (entries.some(({ failure }) => failure)) process.exitCode = 1;
}

async function compareOn(
  arena: Arena,
  name: WorkloadName,
  contestants: readonly Contestant[],
  flags: Flags,
): Promise<Comparison> {
  say(`${name}: making the file ready`);
  const work = await workload(name, flags.rows);
  const calibration = work.rows > flags.calibrationRows ? await workload(name, flags.calibrationRows) : work;
  const { workers, batchSize: batchSizes, tableSize, rounds } = flags;
  const comparison = await compare(arena, work, {
    contestants,
    calibration,
    rounds,
    tuning: { workers, batchSizes, tableSize },
    onRun: (so) => save(so, flags, arena),
  });
  say(`${name} is done: ${save(comparison, flags, arena)}`);
  return comparison;
}

/** One file a workload and number of rows, so that a run of one does not take another's place. */
function save({ work, calibrationRows, entries }: Comparison, flags: Flags, { server }: Arena): string {
  return saveResults(`peers-${work.name}-${work.rows}`, {
    flags,
    neo4j: server.version,
    workload: { name: work.name, rows: work.rows, expected: work.expected },
    calibrationRows,
    contestants: entries.map(({ contestant: { id, name }, ...entry }) => ({ id, name, ...entry })),
  });
}

function contestantIds(text: string): readonly string[] {
  const ids = text.split(',');
  const unknown = ids.filter((id) => !CONTESTANTS.some((contestant) => contestant.id === id));
  if (unknown.length > 0) throw new InvalidArgumentError(`There is no ${unknown.join(', ')}, but ${IDS}.`);
  return ids;
}
