// npm run bench [-- peers | latency | scale | memory | locks | reporter | instrumentation | simulation | faults] [options]:
// one bench, peers when none is named.
import { prepare, run } from './prepare.mjs';

const BENCHES = [
  'peers',
  'latency',
  'scale',
  'memory',
  'locks',
  'reporter',
  'instrumentation',
  'simulation',
  'faults',
];
const [first, ...rest] = process.argv.slice(2);
const isNamed = BENCHES.includes(first);
prepare();
const args = isNamed ? rest : process.argv.slice(2);
process.exit(
  run(process.execPath, ['--import', 'tsx', `bench/${isNamed ? first : 'peers'}/main.ts`, ...args]),
);
