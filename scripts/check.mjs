// npm run check: format, lint, types, import direction and package exports.
import { prepare, run } from './prepare.mjs';

prepare();
const steps = [
  ['format and lint', 'npx', ['--no-install', 'biome', 'ci', '--error-on-warnings', '.']],
  ['types', 'npx', ['--no-install', 'tsc', '-p', 'tsconfig.json']],
  ['import direction', process.execPath, ['scripts/check-imports.mjs']],
  ['package exports', 'npx', ['--no-install', 'publint', '--strict']],
];
for (const [what, command, args] of steps) run(command, args, what);
process.stderr.write('graphweft: all checks passed\n');
