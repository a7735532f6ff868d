/** One load of one contestant, on an empty graph, and whether it built what it should. */
import { wipe } from '../support/bench-server.ts';
import { cpuSecondsOf } from '../support/process-figures.ts';
import type { GraphFigures, Workload } from '../workloads/workload.ts';
import type { Arena, Contestant, Outcome, Settings } from './contestant.ts';

export interface Run extends Outcome {
  readonly rowsPerSecond: number;
  /** Of the server's process. Undefined where it had no part in it. */
  readonly serverCpuSeconds?: number;
  readonly graph: Partial<GraphFigures>;
  readonly lost: number;
  /** Whether rows that are one relationship left another's value than the last one's. */
  readonly isReordered: boolean;
}

/** @throws Error when the load fails, or what it built is not what the file says, although it lost no row. */
export async function runOnce(
  arena: Arena,
  contestant: Contestant,
  work: Workload,
  settings: Settings,
): Promise<Run> {
  arena.signal.throwIfAborted();
  const isOnServer = !contestant.isOffline;
  const { pid } = arena.server;
  if (isOnServer) {
    await wipe(arena.context);
    for (const statement of work.prepare) await arena.context.neo4j.query(statement);
  }
  const cpuBefore = cpuSecondsOf(pid);
  const outcome = await contestant.run(arena, work, settings);
  const serverCpuSeconds = cpuSecondsOf(pid) - cpuBefore;
  if (!outcome.success) throw new Error(outcome.error ?? 'it failed and did not say why');
  const graph = outcome.graph ?? (await figuresOf(arena, work));
  const { lost = 0 } = outcome;
  const wrong = lost === 0 ? differences(graph, work.expected) : [];
  const mayReorder = contestant.keepsOrder?.(settings) === false;
  const unexpected = mayReorder ? wrong.filter((name) => name !== 'values') : wrong;
  if (unexpected.length > 0) {
    throw new Error(
      `the graph differs in ${unexpected.join(', ')}: ${JSON.stringify(graph)}, not ${JSON.stringify(work.expected)}`,
    );
  }
  return {
    ...outcome,
    graph,
    lost,
    isReordered: wrong.length > 0,
    rowsPerSecond: work.rows / outcome.seconds,
    ...(isOnServer && { serverCpuSeconds }),
  };
}

async function figuresOf({ context }: Arena, { checkQuery }: Workload): Promise<GraphFigures> {
  const counts = await context.neo4j.query(
    'RETURN COUNT { () } AS nodes, COUNT { ()-->() } AS relationships',
  );
  const sums = await context.neo4j.query(checkQuery);
  const figures = { ...counts.rows[0], ...sums.rows[0] };
  const figure = (name: string) => Number(figures[name]);
  return {
    nodes: figure('nodes'),
    relationships: figure('relationships'),
    ends: figure('ends'),
    values: figure('values'),
  };
}

function differences(graph: Partial<GraphFigures>, expected: GraphFigures): readonly string[] {
  return Object.entries(graph)
    .filter(([name, value]) => value !== expected[name as keyof GraphFigures])
    .map(([name]) => name);
}
