// What people write by themselves: some sessions of the driver that each take the next batch from one reader and write
// it with executeWrite(), which tries again after a deadlock. No grid: any two of them may meet on a node.
import { CSVBatchSource, SILENT_REPORTER } from 'graphweft';
import neo4j from 'neo4j-driver';
import { printOutcome } from './print-outcome.mjs';

const { file, query, batchSize, workers } = JSON.parse(process.argv[2]);
const { NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD, NEO4J_DATABASE } = process.env;
const driver = neo4j.driver(NEO4J_URI, neo4j.auth.basic(NEO4J_USERNAME, NEO4J_PASSWORD));
const surroundings = { env: {}, reporter: SILENT_REPORTER, signal: new AbortController().signal };
const batches = new CSVBatchSource(surroundings, { file, rowNumbers: false }).getBatch(batchSize);
let written = 0;
let attempts = 0;

const started = performance.now();
let failure;
try {
  const done = await Promise.allSettled(Array.from({ length: workers }, writer));
  failure = done.find(({ status }) => status === 'rejected')?.reason;
} finally {
  await batches.return();
}
const seconds = (performance.now() - started) / 1000;
await driver.close();
printOutcome({ success: failure === undefined, error: failure, seconds, retries: attempts - written });

async function writer() {
  const session = driver.session({ database: NEO4J_DATABASE });
  try {
    // The reader is a generator: calls that overlap wait for each other.
    for (;;) {
      const { done, value } = await batches.next();
      if (done || failure) return;
      if (value.chunk.length === 0) continue;
      await session.executeWrite(async (transaction) => {
        attempts++; // the driver calls this again for each retry
        await transaction.run(query, { batch: value.chunk });
      });
      written++;
    }
  } catch (error) {
    failure ??= error;
    throw error;
  } finally {
    await session.close();
  }
}
