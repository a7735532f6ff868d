// Loads flights with default options and prints its seconds: what is watched by main.ts.
import {
  CSVLoad2Neo4jTask,
  ETLContext,
  ParallelCSVLoad2Neo4jTask,
  ParallelParquetLoad2Neo4jTask,
  ParquetLoad2Neo4jTask,
  SILENT_REPORTER,
} from 'graphweft';

const { file, rows, sequential } = JSON.parse(process.argv[2]);
const isParquet = file.endsWith('.parquet');
const [Sequential, Parallel] = isParquet
  ? [ParquetLoad2Neo4jTask, ParallelParquetLoad2Neo4jTask]
  : [CSVLoad2Neo4jTask, ParallelCSVLoad2Neo4jTask];
const Task = sequential ? Sequential : Parallel;
const date = isParquet ? 'row.date' : 'localdatetime(row.date)';
const whole = (field) => (isParquet ? `row.${field}` : `toInteger(row.${field})`);
const context = new ETLContext({ reporter: SILENT_REPORTER });
const task = new Task(context, {
  file,
  query: `UNWIND $batch AS row
    MATCH (a:Airport {iata: row.origin}) MATCH (b:Airport {iata: row.destination})
    CREATE (a)-[:FLIGHT {date: ${date}, delay: ${whole('delay')}, distance: ${whole('distance')}}]->(b)`,
  ...(isParquet && { maxRows: rows }),
  ...(!sequential && { startKey: 'origin', endKey: 'destination', monopartite: true }),
});
const started = performance.now();
const { success, error, summary } = await task.execute();
await context.close();
if (!success) throw error;
if (summary.relationships_created !== rows)
  throw new Error(`${summary.relationships_created} of ${rows} were made`);
process.stdout.write(JSON.stringify({ seconds: (performance.now() - started) / 1000 }));
