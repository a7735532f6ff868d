import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkImports } from '../../scripts/check-imports.mjs';
import { useFolder } from '../support/files.ts';
import { ROOT } from '../support/process.ts';

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

/** Puts the packed package where `npm install` would, with its dependencies, zod and no other package of ours. */
function installPacked(): ReturnType<typeof useFolder> {
  const folder = useFolder();
  const modules = folder.path('node_modules');
  mkdirSync(join(modules, 'graphweft'), { recursive: true });
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder.path('.')], {
    cwd: ROOT,
    stdio: 'ignore',
  });
  const tarball = folder.path(`graphweft-${manifest.version}.tgz`);
  execFileSync('tar', ['-xzf', tarball, '-C', join(modules, 'graphweft'), '--strip-components=1']);
  for (const name of [...Object.keys(manifest.dependencies), '@types/node', 'zod']) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  return folder;
}

describe('the package', () => {
  it('exports what the specification names', async () => {
    const names = [
      'ETLContext',
      'Task',
      'TaskReturn',
      'TaskGroup',
      'ParallelTaskGroup',
      'BatchProcessor',
      'ClosedLoopBatchProcessor',
      'ValidationBatchProcessor',
      'CSVBatchSource',
      'ParquetBatchSource',
      'SplittingBatchProcessor',
      'ParallelBatchProcessor',
      'CypherBatchSink',
      'tupleIdExtractor',
      'dictIdExtractor',
      'CSVLoad2Neo4jTask',
      'ParallelCSVLoad2Neo4jTask',
      'ParquetLoad2Neo4jTask',
      'ParallelParquetLoad2Neo4jTask',
      'ExecuteCypherTask',
      'CreateReportingConstraintsTask',
      'LogReporter',
      'TerminalReporter',
      'Neo4jReporter',
      'GraphweftError',
    ];
    const built = (await import('graphweft')) as Record<string, unknown>;
    for (const name of names) expect(typeof built[name], name).toBe('function');
    // The name is what `console.log` shows.
    for (const [name, value] of Object.entries(built))
      if (typeof value === 'function') expect(value.name).toBe(name);
    const cli = (await import('graphweft/cli')) as Record<string, unknown>;
    for (const name of ['runProgram', 'runMain', 'stopOnSignals', 'createProgram', 'addRunCommands'])
      expect(typeof cli[name], name).toBe('function');
  });

  it('ships what it needs and nothing of the work on it', () => {
    const listed = JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
        cwd: ROOT,
        stdio: ['ignore', 'pipe', 'ignore'],
      }).toString(),
    ) as readonly { readonly files: readonly { readonly path: string }[] }[];
    const paths = listed[0]!.files.map(({ path }) => path);
    for (const path of [
      'bin/graphweft.js',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/cli/index.js',
      'docs/errors.md',
      'docs/dashboards/neodash.json',
      'LICENSE',
      'compose.yaml',
    ]) {
      expect(paths).toContain(path);
    }
    expect(paths.filter((path) => /^(src|test|bench|examples|scripts)\//.test(path))).toEqual([]);
  });

  it('compiles where it is installed, libraries checked too, and has the compiler refuse a wrong column', () => {
    const folder = installPacked();
    const load = (name: string, column: string) =>
      folder.write(
        name,
        `import { CSVLoad2Neo4jTask, ETLContext, node } from 'graphweft';
import { runProgram } from 'graphweft/cli';
import { testContext } from 'graphweft/testing';
import { z } from 'zod';

const schema = z.object({ iata: z.string(), name: z.string() });
const airport = node('Airport', { iata: 'iata' }, { properties: ['${column}'] });
export const task = new CSVLoad2Neo4jTask(new ETLContext(), { file: 'airports.csv', schema, mapping: airport });
export { runProgram, testContext };
`,
      );
    load('right.ts', 'name');
    load('wrong.ts', 'nmae');
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      'false',
      '--target',
      'es2023',
      '--types',
      'node',
    ];
    for (const [module, resolution] of [
      ['nodenext', 'nodenext'],
      ['esnext', 'bundler'],
    ] as const) {
      const args = [...options, '--module', module, '--moduleResolution', resolution, 'right.ts', 'wrong.ts'];
      const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), args, {
        cwd: folder.path('.'),
        encoding: 'utf8',
      });
      expect(stdout.match(/^\S.*error/gm), stdout).toEqual(['wrong.ts(8,93): error']);
      expect(stdout).toContain(`Type '"nmae"' is not assignable to type`);
    }
  });

  it('pins every dependency exactly', () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
    }
    expect(manifest.dependencies['neo4j-driver-bolt-connection']).toBe(manifest.dependencies['neo4j-driver']);
  });

  it('imports only from the layers to the left, and in no circle', () => {
    expect(checkImports(join(ROOT, 'src'))).toEqual([]);
  });
});
