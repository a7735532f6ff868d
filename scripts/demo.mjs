// npm run demo: from a clean clone to flights in a real Neo4j.
import { prepare, run } from './prepare.mjs';

prepare();
process.exit(
  run(process.execPath, ['--import', 'tsx', 'examples/flights/main.ts', ...process.argv.slice(2)]),
);
