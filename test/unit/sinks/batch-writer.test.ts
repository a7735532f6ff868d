import { describe, expect, it, vi } from 'vitest';
import type { BatchSource } from '../../../src/core/batch-processor.ts';
import type { Neo4jContext } from '../../../src/neo4j/connection.ts';
import { RunLedger } from '../../../src/neo4j/run-ledger.ts';
import { SingleCellBatchProcessor } from '../../../src/parallel/single-cell-batch-processor.ts';
import { CypherBatchSink } from '../../../src/sinks/cypher-batch-sink.ts';
import { arraySource } from '../../../src/testing/chain.ts';
import { SimulatedDatabase, type Step } from '../../property/simulated-database.ts';
import { drain, PLAIN_CONTEXT } from '../../support/batches.ts';
import { useFolder } from '../../support/files.ts';

// Delays between tries are for servers; here they would only be waited for.
vi.mock('node:timers/promises', () => ({ setTimeout: () => Promise.resolve() }));

function connect(happens: readonly Step[]): Neo4jContext {
  const steps = happens[Symbol.iterator]();
  return { ...PLAIN_CONTEXT, neo4j: new SimulatedDatabase(() => steps.next().value ?? 'ok').connect() };
}

/** Writes two rows, the second of which is perhaps refused, while these things happen. */
function write(isRefused: boolean, ...happens: readonly Step[]) {
  return writeRows(connect(happens), arraySource([{ id: 0 }, { id: 1, isRefused }]));
}

async function writeRows(context: Neo4jContext, predecessor: BatchSource, ledger?: RunLedger) {
  const sink = new CypherBatchSink(context, {
    predecessor,
    ledger,
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

  it('counts those of the mark that follows rows which were all set aside', async () => {
    const context = connect(['ok', 'ok', 'deadlock']);
    const fingerprint = { source: {} };
    const found = await RunLedger.find(context.neo4j, 'r');
    const run = { run: 'r', found, isKept: true, fingerprint, instance: 'i' };
    const ledger = await RunLedger.open(context.neo4j, run);
    const predecessor = new SingleCellBatchProcessor(context, {
      predecessor: arraySource([{ id: 1, isRefused: true }]),
      committed: 0,
    });
    expect(await writeRows(context, predecessor, ledger)).toMatchObject({ rows_rejected: 1, retries: 1 });
    await ledger.close('done');
  });
});
