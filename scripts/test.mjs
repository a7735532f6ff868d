// npm test: every test there is, on a machine where nothing was installed by hand. The last line is the count.
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, root, run } from './prepare.mjs';

prepare();
// Node before 22.16 has no SQLite that will do (src/sql/sqlite.ts). The package compiles for a minute, which only the tests should wait for. It
// goes into a folder of its own, because npm takes an optional peer that is asked for by name for one not to install.
const sqlite = join(root, 'node_modules/better-sqlite3');
const builtIn = await import('node:sqlite').catch(() => undefined);
if (!builtIn?.StatementSync.prototype.columns && !existsSync(sqlite)) {
  const folder = join(root, 'node_modules/.sqlite');
  mkdirSync(folder, { recursive: true });
  const options = ['--no-fund', '--no-audit', '--loglevel=error'];
  const args = ['install', '--prefix', folder, ...options, 'better-sqlite3@12.6.2'];
  run('npm', args, 'installing SQLite for the tests (a minute)');
  symlinkSync(join(folder, 'node_modules/better-sqlite3'), sqlite);
}
const report = join(tmpdir(), `graphweft-tests-${process.pid}.json`);
const args = [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
];
const status = run(process.execPath, [...args, ...process.argv.slice(2)]);
let counts;
try {
  counts = JSON.parse(readFileSync(report, 'utf8'));
} catch {
  process.stdout.write('0 passed, 1 failed\n'); // the runner itself failed and has said why
  process.exit(1);
}
rmSync(report, { force: true });
// A file that fails to load has no tests to count, and must not look like success.
const brokenFiles = counts.testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.length === 0,
);
const failed =
  counts.numFailedTests +
  brokenFiles.length +
  (status !== 0 && counts.numFailedTests === 0 && brokenFiles.length === 0 ? 1 : 0);
const skipped = counts.numPendingTests + counts.numTodoTests;
process.stdout.write(
  `${counts.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`,
);
process.exit(failed > 0 ? 1 : status);
