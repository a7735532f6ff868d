import { pathToFileURL } from 'node:url';
import { byWorkers, type Contestant } from './contestant.ts';

const TRANSACTIONS = [1, 2, 4, 8];

/**
 * Neo4j's own LOAD CSV, with concurrent transactions. Those that meet in a deadlock are rolled back, and their rows are
 * not tried again (`ON ERROR CONTINUE`): the server says how many rows were not committed.
 */
export const LOAD_CSV: Contestant = {
  id: 'load-csv',
  name: 'LOAD CSV',
  settings: ({ workers = TRANSACTIONS, batchSizes }) => byWorkers(workers, batchSizes),
  keepsOrder: ({ workers }) => workers === 1,
  async run({ context, timeoutMs }, { file, query }, { workers, batchSize }) {
    const body = query.replace('UNWIND $batch AS row', '');
    const started = performance.now();
    const { rows } = await context.neo4j.query(
      `LOAD CSV WITH HEADERS FROM '${pathToFileURL(file)}' AS row
       CALL (row) { ${body} } IN ${workers} CONCURRENT TRANSACTIONS OF ${batchSize} ROWS
         ON ERROR CONTINUE REPORT STATUS AS status
       RETURN sum(CASE WHEN status.committed THEN 0 ELSE 1 END) AS lost`,
      {},
      { timeoutMs },
    );
    const seconds = (performance.now() - started) / 1000;
    return { success: true, seconds, retries: 0, lost: Number(rows[0]?.lost) };
  },
};
