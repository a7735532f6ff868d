// Loads a workload with a mapping and graphweft's own choices: types of columns, schedule, buckets. With `isAuto` it
// chooses the workers and the size of a batch too.
import { ETLContext, ParallelCSVLoad2Neo4jTask, SILENT_REPORTER } from 'graphweft';
import { MAPPINGS } from '../workloads/mappings.mjs';
import { printOutcome, timed } from './print-outcome.mjs';

const { name, file, batchSize, workers, tableSize, isAuto } = JSON.parse(process.argv[2]);
const settings = isAuto ? { parallel: 'auto' } : { batchSize, maxWorkers: workers, tableSize };
const context = new ETLContext({ reporter: SILENT_REPORTER });
const task = new ParallelCSVLoad2Neo4jTask(context, {
  ...MAPPINGS[name],
  file,
  rowNumbers: false,
  ...Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
});
const outcome = await timed(task);
await context.close();
printOutcome(outcome);
