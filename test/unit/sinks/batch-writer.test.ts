import { describe, expect, it, vi } from 'vitest';
import type { Neo4jContext } from '../../../src/neo4j/connection.ts';
import { CypherBatchSink } from '../../../src/sinks/cypher-batch-sink.ts';
import { arraySource } from '../../../src/testing/chain.ts';
import { SimulatedDatabase, type Step } from '../../property/simulated-database.ts';
import { drain, PLAIN_CONTEXT } from '../../support/batches.ts';
import { useFolder } from '../../support/files.ts';

// Delays between tries are for servers; here they would only be waited for.
vi.mock('node:timers/promises', () => ({ setTimeout: () => Promise.resolve() }));

/** Writes two rows, the second of which is perhaps refused, while these things happen. */
async function write(isRefused: boolean, ...happens: readonly Step[]) {
  const steps = happens[Symbol.iterator]();
  const neo4j = new SimulatedDatabase(() => steps.next().value ?? 'ok').connect();
  const sink = new CypherBatchSink({ ...PLAIN_CONTEXT, neo4j } as Neo4jContext, {
    predecessor: arraySource([{ id: 0 }, { id: 1, isRefused }]),
    query: 'UNWIND $batch AS row CREATE (:Row)',
    badRows: 'reject',
    duplicateKeys: 'reject',
    rejectedFile: useFolder().path('rejected.jsonl'),
  });
  return (await drain(sink, 2)).statistics;
}

describe('BatchWriter', () => {
  it('counts the retries of a transaction that ends as a rejected row, or is cut for one', async () => {
    const [both, first, second] = [
      ['deadlock', 'ok'],
      ['deadlock', 'ok', 'ok'],
      ['deadlock', 'ok'],
    ] as const;
    expect(await write(true, ...both, ...first, ...second)).toMatchObject({
      cypher_rows_written: 1,
      rows_rejected: 1,
      retries: 3,
      retries_deadlock_node: 3,
    });
  });

  it('counts those of a transaction that is cut for memory', async () => {
    expect(await write(false, 'deadlock', 'memory')).toMatchObject({
      cypher_rows_written: 2,
      batches_halved: 1,
      retries: 1,
    });
  });
});
