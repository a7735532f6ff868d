// npm run test:node24: every test on Node 24, whose binary the npm package `node` ships.
import { mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { prepare, root, run } from './prepare.mjs';

prepare();
const folder = join(root, 'node_modules', '.cache', 'node24');
mkdirSync(folder, { recursive: true });
run(
  'npm',
  ['install', '--prefix', folder, '--no-save', '--no-package-lock', '--loglevel=error', 'node@24'],
  'fetching Node 24',
);
const bin = join(folder, 'node_modules', 'node', 'bin');
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
run(join(bin, 'node'), ['--version'], 'running the tests on Node 24', env);
process.exit(run(join(bin, 'node'), ['scripts/test.mjs', ...process.argv.slice(2)], undefined, env));
