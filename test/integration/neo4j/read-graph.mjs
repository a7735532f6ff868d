// Reads a statement to its end and prints how many records there were; run with a heap that they do not fit into.
import { CypherBatchSource, ETLContext, SILENT_REPORTER } from '../../../dist/index.js';

const context = new ETLContext({ reporter: SILENT_REPORTER });
let rows = 0;
for await (const { chunk } of new CypherBatchSource(context, { query: process.argv[2] }).getBatch(2_000)) {
  rows += chunk.length;
  await new Promise((resolve) => setImmediate(resolve)); // a consumer that takes its time
}
await context.close();
process.stdout.write(JSON.stringify({ rows }));
