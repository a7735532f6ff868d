/**
 * The client's memory during a load of 3 M rows: a fresh process with default options, watched from outside.
 *
 *     npm run bench -- memory [--rows N] [--sequential] [--limit MB]
 */
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { runProgram } from 'graphweft/cli';
import { wipe, withServer } from '../support/bench-server.ts';
import { lastJson, runChild } from '../support/child.ts';
import { whole } from '../support/figures.ts';
import { wholeNumber } from '../support/flags.ts';
import { say, warnIfBusy } from '../support/progress.ts';
import { saveResults } from '../support/results.ts';
import { textTable } from '../support/text-table.ts';
import { vegaDataset } from '../workloads/vega-datasets.ts';
import { workload } from '../workloads/workload.ts';

interface Flags {
  readonly rows: number;
  readonly limit: number;
  readonly sequential?: boolean;
}

const CURVE_POINTS = 10;
const LOAD = fileURLToPath(new URL('load.mjs', import.meta.url));

const program = new Command('memory')
  .option('--rows <n>', 'flights to load', wholeNumber, 3_000_000)
  .option('--limit <mb>', 'what the peak is held against, in MB (10^6 bytes)', wholeNumber, 500)
  .option('--sequential', 'with one writer')
  .action(bench);

await runProgram(program);

async function bench(flags: Flags): Promise<void> {
  warnIfBusy();
  const { rows, limit } = flags;
  const flights = await workload('flights', rows);
  const table = textTable(['source', 'rows/s', 'peak MB', 'MB at each tenth of the load']);
  const results: unknown[] = [];
  await withServer(async ({ env, context, signal }) => {
    for (const [source, file] of [
      ['Parquet', vegaDataset('flights-3m.parquet')],
      ['CSV', flights.file],
    ] as const) {
      say(`${source}: ${whole(rows)} flights`);
      await wipe(context);
      for (const statement of flights.prepare) await context.neo4j.query(statement);
      const job = JSON.stringify({ file, rows, sequential: flags.sequential === true });
      const child = await runChild(process.execPath, [LOAD, job], { env, signal });
      const { seconds } = lastJson<{ readonly seconds: number }>(child);
      const { peakMb, samplesMb } = child;
      const curveMb = tenths(samplesMb);
      results.push({ source, seconds, peakMb, curveMb });
      table.push([source, whole(rows / seconds), whole(peakMb), curveMb.map(whole).join(' ')]);
      if (peakMb > limit) process.exitCode = 1;
    }
  });
  saveResults('memory', { flags, results });
  const kind = flags.sequential ? 'one writer' : 'parallel, default options';
  process.stdout.write(`${whole(rows)} flights, ${kind}, limit ${limit} MB\n${table.toString()}\n`);
}

/** The middle of each tenth of the samples. */
function tenths(samples: readonly number[]): readonly number[] {
  return Array.from(
    { length: CURVE_POINTS },
    (_, i) => samples[Math.floor(((i + 0.5) / CURVE_POINTS) * samples.length)] ?? 0,
  );
}
