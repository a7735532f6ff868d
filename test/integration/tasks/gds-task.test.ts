import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ETLContext } from '../../../src/context/etl-context.ts';
import { SILENT_REPORTER } from '../../../src/core/reporter.ts';
import { findProgram, installPackages } from '../../../src/neo4j/embedded/commands.ts';
import { startEmbeddedServer, stopEmbeddedServer } from '../../../src/neo4j/embedded/embedded-server.ts';
import { GDSTask } from '../../../src/tasks/gds-task.ts';
import { useServer } from '../../support/context.ts';

/** Two procedures with the names and columns of the library's, run by a real server; the library itself is not served. */
const STUB = `package stub;
import java.util.stream.Stream;
import org.neo4j.procedure.*;
public class Gds {
  public static class Projected { public String graphName; public long nodeCount; public long relationshipCount; }
  public static class Written { public double ranIterations; public long nodePropertiesWritten; }
  @Procedure(name = "gds.graph.project")
  public Stream<Projected> project(@Name("graphName") String name, @Name("nodes") Object nodes, @Name("relationships") Object relationships) {
    Projected p = new Projected(); p.graphName = name; p.nodeCount = 3; p.relationshipCount = 2; return Stream.of(p);
  }
  @Procedure(name = "gds.pageRank.write", mode = Mode.WRITE)
  public Stream<Written> pageRank(@Name("graphName") String name, @Name("configuration") Object configuration) {
    Written w = new Written(); w.ranIterations = 20; w.nodePropertiesWritten = 3; return Stream.of(w);
  }
}`;

const dataDir = mkdtempSync(join(tmpdir(), 'graphweft-test-gds-'));
let context: ETLContext;

beforeAll(async () => {
  if (!findProgram('javac', process.env))
    await installPackages(['openjdk-17-jdk-headless'], { env: process.env, onProgress: () => {} });
  // A first start makes the folder; the plugin is then there for the second.
  const first = await startEmbeddedServer({ dataDir });
  const jars = readFileSync(`/proc/${first.pid}/cmdline`, 'utf8').split('\0');
  const classPath = jars[jars.indexOf('-cp') + 1]!;
  await stopEmbeddedServer({ dataDir });
  const source = join(dataDir, 'stub');
  mkdirSync(join(source, 'stub'), { recursive: true });
  mkdirSync(join(dataDir, 'plugins'), { recursive: true });
  writeFileSync(join(source, 'stub', 'Gds.java'), STUB);
  execFileSync('javac', ['-proc:none', '-cp', classPath, '-d', source, join(source, 'stub', 'Gds.java')]);
  execFileSync('jar', ['cf', join(dataDir, 'plugins', 'gds.jar'), '-C', source, 'stub']);
  const server = await startEmbeddedServer({ dataDir });
  context = new ETLContext({
    env: { NEO4J_URI: server.uri, NEO4J_USERNAME: server.username, NEO4J_PASSWORD: server.password },
    reporter: SILENT_REPORTER,
  });
});

afterAll(async () => {
  await context?.close();
  await stopEmbeddedServer({ dataDir });
  rmSync(dataDir, { recursive: true, force: true });
});

describe('GDSTask', () => {
  const { context: plain } = useServer();

  it('runs procedures in order, with their numbers as summary and their records as results', async () => {
    const task = new GDSTask(context, {
      query: [
        "CALL gds.graph.project('g', 'Airport', 'FLIGHT')",
        'CALL gds.pageRank.write($graph, {writeProperty: "rank"})',
      ],
      parameters: { graph: 'g' },
    });
    const { success, summary, error } = await task.execute();
    expect(error).toBeUndefined();
    expect(success).toBe(true);
    expect(summary).toEqual({
      nodeCount: 3,
      relationshipCount: 2,
      ranIterations: 20,
      nodePropertiesWritten: 3,
    });
    expect(task.results).toEqual([
      [{ graphName: 'g', nodeCount: 3, relationshipCount: 2 }],
      [{ ranIterations: 20, nodePropertiesWritten: 3 }],
    ]);
  });

  it.each(['CALL gds.version()', 'RETURN gds.version()'])(
    'says in one sentence that the library is missing, of %s',
    async (query) => {
      const { success, error } = await new GDSTask(plain(), { query }).execute();
      expect(success).toBe(false);
      expect(error).toMatchObject({
        code: 'GW_GDS_MISSING',
        message: expect.stringContaining('The Graph Data Science library is not installed'),
      });
    },
  );

  it('refuses an option that it has not', () => {
    expect(() => new GDSTask(context, { query: 'CALL gds.x()', querry: 1 } as never)).toThrow(
      /GDSTask has no option/,
    );
  });
});
