import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkImports } from '../../scripts/check-imports.mjs';
import { ROOT } from '../support/process.ts';

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

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
