/**
 * How near the schedules come to the open-shop bound, and the plans of buckets to the ideal: the real planners in a
 * simulation, without a server. Ends with 1 where claims with a load task's defaults fall below the target.
 *
 *     npm run bench -- simulation [--rows N] [--seed N] [--workers 4,8] [--images folder]
 */
import { Command } from 'commander';
import { runProgram } from 'graphweft/cli';
import { whole } from '../support/figures.ts';
import { wholeNumber, wholeNumbers } from '../support/flags.ts';
import { textTable } from '../support/text-table.ts';
import { ARRIVAL_NAMES, type ArrivalName } from './arrival.ts';
import { bucketPlans } from './bucket-plans.ts';
import { drawPictures } from './pictures.ts';
import { plannerCost } from './planner-cost.ts';
import { defaultSetting, defaultSplit } from './setting.ts';
import { type Outcome, SCHEDULE_NAMES, type ScheduleName, simulate } from './simulate.ts';
import { PLAN_NAMES, type PlanName } from './split.ts';
import { WORKLOAD_NAMES, type Workload, type WorkloadName, workload } from './workloads.ts';

interface Flags {
  readonly rows: number;
  readonly seed: number;
  readonly workers: readonly number[];
  readonly images?: string;
}

/** One run of a schedule. */
export interface Run extends Outcome {
  readonly workload: WorkloadName;
  readonly plan: PlanName;
  readonly arrival: ArrivalName;
  readonly workers: number;
  readonly schedule: ScheduleName;
  readonly rows: number;
}

const TARGET = 0.97;

const program = new Command('simulation')
  .option('--rows <n>', 'rows of each drawn workload; the flights are 3 M', wholeNumber, 1_000_000)
  .option('--seed <n>', 'of keys and service times', wholeNumber, 5)
  .option('--workers <list>', 'numbers of workers', wholeNumbers, [4, 8, 16, 32, 64])
  .option('--images <folder>', 'where to write the pictures of the pages')
  .action(bench);

async function bench({ rows, seed, workers, images }: Flags): Promise<void> {
  const runs: Run[] = [];
  const plans = textTable(['keys', 'plan', ...workers.map((n) => `${n} workers`)]);
  for (const name of WORKLOAD_NAMES) {
    process.stderr.write(`graphweft: simulating ${name} …\n`);
    const keys = await workload(name, rows, seed);
    const reached = workers.map((n) => bucketPlans(keys, n));
    for (const plan of [...PLAN_NAMES, 'heaviest key'] as const)
      plans.push([name, plan, ...reached.map((plansOfOne) => plansOfOne[plan].toFixed(2))]);
    for (const plan of PLAN_NAMES) {
      for (const n of workers) {
        const cells = defaultSplit(keys, plan, n);
        for (const arrival of ARRIVAL_NAMES) {
          const setting = defaultSetting(keys, { plan, arrival, workers: n, seed }, cells);
          for (const schedule of SCHEDULE_NAMES) {
            const outcome = simulate(schedule, setting);
            runs.push({
              ...outcome,
              workload: name,
              plan,
              arrival,
              workers: n,
              schedule,
              rows: cells.cells.length,
            });
          }
        }
      }
    }
  }
  print(
    `Plans of buckets: the ideal (rows / workers) by the bound that the plan allows\n${plans.toString()}`,
  );
  for (const plan of PLAN_NAMES)
    for (const arrival of ARRIVAL_NAMES) print(schedulesTable(runs, plan, arrival, workers));
  for (const name of ['uniform', 'zipf 1.2'] as const) printCost(await workload(name, 2_000_000, seed));
  if (images) await drawPictures(images, runs, await workload('zipf 1.0', rows, seed));
  judge(runs);
}

function schedulesTable(
  runs: readonly Run[],
  plan: PlanName,
  arrival: ArrivalName,
  workers: readonly number[],
): string {
  const table = textTable(['keys', 'schedule', ...workers.map((n) => `${n} workers`)]);
  for (const name of WORKLOAD_NAMES) {
    for (const schedule of SCHEDULE_NAMES) {
      const found = workers.map(
        (n) => runs.find(isRun({ workload: name, plan, arrival, schedule, workers: n }))!,
      );
      table.push([name, schedule, ...found.map(({ efficiency }) => efficiency.toFixed(3))]);
      if (schedule !== 'claims') continue;
      table.push([name, 'rows a transaction', ...found.map((run) => whole(run.rows / run.takes))]);
    }
  }
  return `Buckets ${plan}, rows ${arrival}: the bound by the time\n${table.toString()}`;
}

function isRun(wanted: Partial<Run>): (run: Run) => boolean {
  return (run) => Object.entries(wanted).every(([name, value]) => run[name as keyof Run] === value);
}

function printCost(keys: Workload): void {
  const { tableSize, workers, rows, decisions, pushMicros, decisionMicros } = plannerCost(keys);
  print(
    `The planner with ${tableSize} buckets a side, ${workers} workers, ${whole(rows)} rows of ${keys.name} keys: ${pushMicros.toFixed(2)} µs a ` +
      `push, ${decisionMicros.toFixed(1)} µs a decision (${whole(decisions)} decisions)`,
  );
}

function judge(runs: readonly Run[]): void {
  for (const schedule of SCHEDULE_NAMES) {
    const all = runs.filter(isRun({ schedule })).map(({ efficiency }) => efficiency);
    const mean = all.reduce((sum, one) => sum + one, 0) / all.length;
    const [least, most] = [Math.min(...all), Math.max(...all)];
    print(
      `${schedule}: ${least.toFixed(3)} to ${most.toFixed(3)}, mean ${mean.toFixed(3)} of ${all.length} cases`,
    );
  }
  const short = runs.filter(({ schedule, efficiency }) => schedule === 'claims' && efficiency < TARGET);
  for (const { workload: name, plan, arrival, workers, efficiency } of short)
    print(`below ${TARGET}: ${name}, ${plan}, ${arrival}, ${workers} workers: ${efficiency.toFixed(3)}`);
  if (short.length > 0) process.exitCode = 1;
}

function print(text: string): void {
  process.stdout.write(`${text}\n\n`);
}

await runProgram(program);
