// Loads a CSV file and prints one line of JSON: its seconds, and what the reporter's own statements took of them.
import { ETLContext, ParallelCSVLoad2Neo4jTask, SILENT_REPORTER } from 'graphweft';

const { file, query, start, end, monopartite, rows, workers } = JSON.parse(process.argv[2]);
const context = new ETLContext({ reporter: SILENT_REPORTER });
let writes = 0;
let writeMs = 0;
const ask = context.neo4j.query.bind(context.neo4j);
context.neo4j.query = async (cypher, ...rest) => {
  const started = performance.now();
  try {
    return await ask(cypher, ...rest);
  } finally {
    if (cypher.includes('ETLTask')) {
      writes++;
      writeMs += performance.now() - started;
    }
  }
};
const options = { file, query, startKey: start, endKey: end, monopartite, maxWorkers: workers };
const started = performance.now();
const { success, error, summary } = await new ParallelCSVLoad2Neo4jTask(context, options).execute();
await context.close(); // what the reporter still has to write is part of its price
const seconds = (performance.now() - started) / 1000;
if (!success) throw error;
if (summary.csv_lines_read !== rows) throw new Error(`${summary.csv_lines_read} of ${rows} rows were read`);
const { userCPUTime, systemCPUTime } = process.resourceUsage();
const cpuSeconds = (userCPUTime + systemCPUTime) / 1e6;
process.stdout.write(JSON.stringify({ seconds, cpuSeconds, retries: summary.retries ?? 0, writes, writeMs }));
