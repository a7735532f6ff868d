// What a clean clone needs before anything else: the pinned dependencies and dist/. Done again only when the lock file
// or a source file is newer than what is there.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const OLDEST_NODE = [20, 19];

/** Installs and builds; ends the process with one sentence when that fails. */
export function prepare() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    fail(`graphweft needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.version}.`);
  }
  if (changed('node_modules/.package-lock.json', ['package-lock.json'])) {
    run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], 'installing dependencies');
  }
  if (changed('dist/index.js', ['src', 'scripts/build.mjs', 'tsconfig.build.json', 'package.json'])) {
    run(process.execPath, ['scripts/build.mjs'], 'building');
  }
}

/** Runs a command in the project's folder and gives its exit code. */
export function run(command, args, what, env = process.env) {
  if (what) process.stderr.write(`graphweft: ${what} …\n`);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env });
  if (what && (error || status !== 0)) fail(`${what} failed${error ? `: ${error.message}` : ''}.`);
  return status ?? 1;
}

function fail(message) {
  process.stderr.write(`graphweft: ${message}\n`);
  process.exit(1);
}

function changed(product, sources) {
  const file = join(root, product);
  if (!existsSync(file)) return true;
  const builtAt = statSync(file).mtimeMs;
  return sources.some((source) => newest(join(root, source)) > builtAt);
}

function newest(path) {
  const entry = statSync(path);
  if (!entry.isDirectory()) return entry.mtimeMs;
  return Math.max(...readdirSync(path).map((name) => newest(join(path, name))));
}
