// Loads a CSV file with graphweft's ParallelCSVLoad2Neo4jTask and prints one line of JSON: what users run, from dist/.
import { ETLContext, ParallelCSVLoad2Neo4jTask, SILENT_REPORTER } from 'graphweft';

const { file, query, start, end, monopartite, tableSize, batchSize, workers } = JSON.parse(process.argv[2]);
const context = new ETLContext({ reporter: SILENT_REPORTER });
const task = new ParallelCSVLoad2Neo4jTask(context, {
  file,
  query,
  startKey: start,
  endKey: end,
  monopartite,
  tableSize,
  batchSize,
  maxWorkers: workers,
});
const started = performance.now();
const { success, error, summary } = await task.execute();
const seconds = (performance.now() - started) / 1000;
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
await context.close();
process.stdout.write(
  `${JSON.stringify({
    success,
    error: error?.message,
    seconds,
    retries: summary.retries ?? 0,
    statistics: summary,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakMb: (maxRSS * 1024) / 1e6,
  })}\n`,
);
