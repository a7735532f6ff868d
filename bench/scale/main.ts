/**
 * What the client alone can do, and that its memory stays flat: generated rows through the whole pipeline into a sink
 * that packs them and drops the bytes. No server.
 *
 *     npm run bench -- scale [--rows N] [--workers N] [--batch-size N] [--limit MB]
 */
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { runProgram, stopOnSignals } from 'graphweft/cli';
import { lastJson, runChild } from '../support/child.ts';
import { whole } from '../support/figures.ts';
import { wholeNumber } from '../support/flags.ts';
import { warnIfBusy } from '../support/progress.ts';
import { saveResults } from '../support/results.ts';
import { textTable } from '../support/text-table.ts';
import { type ScaleOutcome, STAGES } from './scale-job.ts';

interface Flags {
  readonly rows: number;
  readonly workers: number;
  readonly batchSize: number;
  readonly limit: number;
}

const RUN = fileURLToPath(new URL('run.ts', import.meta.url));
const TIMEOUT_MS = 60 * 60_000;

const program = new Command('scale')
  .option('--rows <n>', 'rows to make', wholeNumber, 30_000_000)
  .option('--workers <n>', 'cells at work at the same time', wholeNumber, 4)
  .option('--batch-size <n>', 'rows of a batch, at most', wholeNumber, 5_000)
  .option('--limit <mb>', 'what the peak is held against, in MB (10^6 bytes)', wholeNumber, 400)
  .action(bench);

await runProgram(program);

async function bench(flags: Flags): Promise<void> {
  warnIfBusy();
  const { signal } = stopOnSignals();
  const { rows, workers, batchSize, limit } = flags;
  const results: Record<string, ScaleOutcome> = {};
  const table = textTable([
    '',
    'rows/s',
    'rows a second of CPU',
    'rows a batch',
    'bytes a row',
    'peak MB',
    'MB at each tenth',
  ]);
  for (const stage of STAGES) {
    const job = JSON.stringify({ stage, rows, workers, batchSize });
    const options = { env: process.env, signal, timeoutMs: TIMEOUT_MS, showsErrors: true };
    const child = await runChild(process.execPath, ['--import', 'tsx', RUN, job], options);
    const outcome = lastJson<ScaleOutcome>(child);
    const { seconds, cpuSeconds, batches, bytes, peakMb, tenthsMb } = outcome;
    results[stage] = outcome;
    table.push([
      stage,
      whole(rows / seconds),
      whole(rows / cpuSeconds),
      whole(rows / batches),
      bytes > 0 ? (bytes / rows).toFixed(1) : '–',
      whole(peakMb),
      tenthsMb.map(whole).join(' '),
    ]);
    saveResults('scale', { flags, results });
    if (peakMb > limit) process.exitCode = 1;
  }
  process.stdout.write(
    `${whole(rows)} ratings, ${workers} workers, batches of ${whole(batchSize)}, limit ${limit} MB\n${table.toString()}\n`,
  );
}
