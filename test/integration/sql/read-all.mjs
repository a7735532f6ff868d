// Reads a query to its end and prints how many rows there were; run with a heap that the result does not fit into. With
// `keep` as the third argument it holds every row, as a client without a cursor does.
import { SILENT_REPORTER, SQLBatchSource } from '../../../dist/index.js';

const [url, query, keep] = process.argv.slice(2);
const kept = [];
const context = { env: {}, reporter: SILENT_REPORTER, signal: new AbortController().signal };
let rows = 0;
for await (const { chunk } of new SQLBatchSource(context, { url, query }).getBatch(5_000)) {
  rows += chunk.length;
  if (keep) kept.push(chunk);
  await new Promise((resolve) => setImmediate(resolve)); // a consumer that takes its time
}
process.stdout.write(JSON.stringify({ rows }));
