/**
 * Neo4j's offline import, the upper bound: it writes a new store without transactions, constraints or a server. Its
 * files are made before the clock starts, and for MERGE hold each node and relationship once.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findJava } from '../../src/neo4j/embedded/java.ts';
import { serverJars } from '../../src/neo4j/embedded/server-jars.ts';
import { parseServerVersion } from '../../src/neo4j/embedded/server-version.ts';
import { runChild } from '../support/child.ts';
import { say } from '../support/progress.ts';
import { copyTo } from '../workloads/sql.ts';
import type { OfflineFile, Workload } from '../workloads/workload.ts';
import type { Arena, Contestant } from './contestant.ts';

/** It needs little: what grows with the data lies outside the heap. */
const HEAP_MB = 2_048;
const IMPORTED = /(\d+) nodes\s+(\d+) relationships\s+(\d+) properties/;

export const OFFLINE_IMPORT: Contestant = {
  id: 'import',
  name: 'offline import',
  isOffline: true,
  settings: () => [{}],
  async run(arena, work) {
    const args = await importArguments(arena, work);
    const home = join(arena.scratch, 'offline');
    rmSync(home, { recursive: true, force: true });
    mkdirSync(join(home, 'conf'), { recursive: true });
    const { env, signal, timeoutMs } = arena;
    const version = parseServerVersion(arena.server.version);
    const tools = { env, onProgress: say, signal };
    const java = await findJava(version, tools);
    const lib = await serverJars(version, { ...tools, java });
    const jvm = [`-Xmx${HEAP_MB}m`, ...version.jvmFlags, '-cp', join(lib, '*'), 'org.neo4j.cli.AdminTool'];
    const { output, seconds, cpuSeconds, peakMb } = await runChild(java, [...jvm, ...args], {
      env: { ...env, NEO4J_HOME: home, NEO4J_CONF: join(home, 'conf') },
      cwd: home, // where it leaves its report
      signal,
      timeoutMs,
    });
    rmSync(home, { recursive: true, force: true });
    const [, nodes, relationships] = IMPORTED.exec(output)?.map(Number) ?? [];
    if (nodes === undefined || relationships === undefined)
      throw new Error(`The offline import did not say what it imported: ${output.slice(-500)}`);
    return { success: true, seconds, retries: 0, cpuSeconds, peakMb, graph: { nodes, relationships } };
  },
};

async function importArguments({ scratch }: Arena, work: Workload): Promise<readonly string[]> {
  const { idType, nodes, relationships } = work.offline;
  const folder = join(scratch, `${work.name}-${work.rows}`);
  const isMade = existsSync(join(folder, 'ready'));
  mkdirSync(folder, { recursive: true });
  const args = ['database', 'import', 'full', 'neo4j', '--overwrite-destination', `--id-type=${idType}`];
  for (const [kind, files] of Object.entries({ nodes, relationships })) {
    for (const file of files) {
      if (!isMade) await writeFiles(folder, work.file, file);
      args.push(`--${kind}=${file.name}=${headerOf(folder, file)},${dataOf(folder, file)}`);
    }
  }
  writeFileSync(join(folder, 'ready'), '');
  return args;
}

async function writeFiles(folder: string, csv: string, file: OfflineFile): Promise<void> {
  writeFileSync(headerOf(folder, file), `${file.header}\n`);
  await copyTo(csv, file.sql, dataOf(folder, file));
}

function headerOf(folder: string, { name }: OfflineFile): string {
  return join(folder, `${name}-header.csv`);
}

function dataOf(folder: string, { name }: OfflineFile): string {
  return join(folder, `${name}.csv`);
}
