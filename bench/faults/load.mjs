// One load for the fault benches, in a process of its own that may be killed; prints one line of JSON at its end.
import {
  CSVLoad2Neo4jTask,
  ETLContext,
  node,
  ParallelCSVLoad2Neo4jTask,
  relationship,
  SILENT_REPORTER,
} from 'graphweft';

const { file, kind, schedule, run, rejectedFile, batchSize } = JSON.parse(process.argv[2]);
const place = (column) => node('Place', { id: column });
const what =
  kind === 'mapping'
    ? {
        mapping: relationship('TRIP', {
          from: place('start'),
          to: place('end'),
          properties: ['n', 'day'],
          write: 'create',
        }),
      }
    : {
        query: `UNWIND $batch AS row MATCH (a:Place {id: row.start}) MATCH (b:Place {id: row.end})
          CREATE (a)-[:TRIP {n: row.n, day: date(row.day)}]->(b)`,
        ...(schedule !== 'sequential' && { startKey: 'start', endKey: 'end', monopartite: true }),
      };
const context = new ETLContext({ reporter: SILENT_REPORTER });
const Task = schedule === 'sequential' ? CSVLoad2Neo4jTask : ParallelCSVLoad2Neo4jTask;
const task = new Task(context, {
  file,
  ...what,
  ...(schedule !== 'sequential' && { schedule, maxWorkers: 4 }),
  types: { start: 'BIGINT', end: 'BIGINT', n: 'BIGINT' },
  resume: run,
  rejectedFile,
  batchSize,
});
const { success, error, summary } = await task.execute();
await context.close();
const { maxRSS } = process.resourceUsage();
process.stdout.write(
  `${JSON.stringify({ success, error: error?.message, code: error?.code, summary, peakMb: maxRSS / 1000 })}\n`,
);
