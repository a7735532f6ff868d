// Loads a workload with a mapping and graphweft's own choices: types of columns, schedule, buckets. With `isAuto` it
// chooses the workers and the size of a batch too.
import { ETLContext, ParallelCSVLoad2Neo4jTask, SILENT_REPORTER, subscribeToEvents } from 'graphweft';
import { MAPPINGS } from '../workloads/mappings.mjs';
import { printOutcome, timed } from './print-outcome.mjs';

const job = JSON.parse(process.argv[2]);
const { name, file, batchSize, workers, tableSize, isAuto, countsBatches } = job;
const settings = isAuto ? { parallel: 'auto' } : { batchSize, maxWorkers: workers, tableSize };
const context = new ETLContext({ reporter: SILENT_REPORTER });
const task = new ParallelCSVLoad2Neo4jTask(context, {
  ...MAPPINGS[name],
  file,
  rowNumbers: false,
  ...Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
});
let batches = 0;
if (countsBatches) subscribeToEvents({ sink: () => void batches++ });
const outcome = await timed(task);
await context.close();
printOutcome({ ...outcome, statistics: { ...outcome.statistics, ...(countsBatches && { batches }) } });
