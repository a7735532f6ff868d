/** One stage in a process of its own; prints one line of JSON, and each tenth on stderr. */
import { whole } from '../support/figures.ts';
import { say } from '../support/progress.ts';
import { type PackedBatch, runGenerator, runPipeline } from './pipeline.ts';
import type { ScaleJob, ScaleOutcome } from './scale-job.ts';

const TENTHS = 10;

await run(JSON.parse(process.argv[2]!) as ScaleJob);

async function run({ stage, rows, workers, batchSize }: ScaleJob): Promise<void> {
  const tenthsMb: number[] = [];
  let [through, batches, bytes] = [0, 0, 0];
  const onBatch = (batch: PackedBatch): void => {
    through += batch.rows;
    bytes += batch.bytes;
    batches++;
    while (tenthsMb.length < TENTHS && through >= ((tenthsMb.length + 1) * rows) / TENTHS) {
      const rssMb = process.memoryUsage.rss() / 1e6;
      tenthsMb.push(rssMb);
      say(`${stage}: ${whole(through)} rows, ${whole(rssMb)} MB`);
    }
  };
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  await (stage === 'whole pipeline' ? runPipeline : runGenerator)({ rows, workers, batchSize, onBatch });
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const peakMb = (process.resourceUsage().maxRSS * 1024) / 1e6;
  const outcome = { seconds, cpuSeconds: (user + system) / 1e6, batches, bytes, tenthsMb, peakMb };
  process.stdout.write(`${JSON.stringify(outcome satisfies ScaleOutcome)}\n`);
}
