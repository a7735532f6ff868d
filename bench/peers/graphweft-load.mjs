// Loads a CSV file with a Cypher statement, from dist/ as users do: in parallel, or with one writer.
import { CSVLoad2Neo4jTask, ETLContext, ParallelCSVLoad2Neo4jTask, SILENT_REPORTER } from 'graphweft';
import { printOutcome, timed } from './print-outcome.mjs';

const job = JSON.parse(process.argv[2]);
const { file, query, start, end, monopartite, tableSize, batchSize, workers, isSequential } = job;
const context = new ETLContext({ reporter: SILENT_REPORTER });
const what = { file, query, batchSize };
const grid = { startKey: start, endKey: end, monopartite, tableSize, maxWorkers: workers };
const task = isSequential
  ? new CSVLoad2Neo4jTask(context, what)
  : new ParallelCSVLoad2Neo4jTask(context, { ...what, ...grid });
const outcome = await timed(task);
await context.close();
printOutcome(outcome);
