// Loads a workload with a mapping and graphweft's own choices: types of columns, schedule, buckets; one line of JSON.
import { ETLContext, node, ParallelCSVLoad2Neo4jTask, relationship, SILENT_REPORTER } from 'graphweft';

const { name, file, batchSize, workers } = JSON.parse(process.argv[2]);
const airport = (column) => node('Airport', { iata: column });
const WORKLOADS = {
  flights: {
    types: { date: 'TIMESTAMP', delay: 'BIGINT', distance: 'BIGINT' },
    mapping: relationship('FLIGHT', {
      from: airport('origin'),
      to: airport('destination'),
      properties: ['date', 'delay', 'distance'],
      write: 'create',
    }),
  },
  ratings: {
    types: { user_id: 'BIGINT', movie_id: 'BIGINT', rating: 'DOUBLE' },
    mapping: relationship('RATED', {
      from: node('User', { id: 'user_id' }, { write: 'merge' }),
      to: node('Movie', { id: 'movie_id' }, { write: 'merge' }),
      properties: ['rating'],
    }),
  },
};
const context = new ETLContext({ reporter: SILENT_REPORTER });
const task = new ParallelCSVLoad2Neo4jTask(context, {
  ...WORKLOADS[name],
  file,
  rowNumbers: false,
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
