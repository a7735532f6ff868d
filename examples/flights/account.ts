import Table from 'cli-table3';
import type { ETLContext } from 'graphweft';
import type { Account } from './load.ts';

/** What the database says that it holds. */
export interface ReadBack {
  readonly airports: number;
  readonly flights: number;
}

export async function readBack(context: ETLContext): Promise<ReadBack> {
  const { rows } = await context.neo4j.query(
    'RETURN COUNT { (:Airport) } AS airports, COUNT { ()-[:FLIGHT]->() } AS flights',
  );
  return { airports: Number(rows[0]?.airports ?? 0), flights: Number(rows[0]?.flights ?? 0) };
}

/** Prints what was loaded beside what is there; gives whether they agree, every row with its relationship. */
export function printAccount(account: Account & { readonly seconds: number }, found: ReadBack): boolean {
  const table = new Table({
    head: ['', 'loaded', 'in the database'],
    colAligns: ['left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  const count = (n: number) => Math.round(n).toLocaleString('en-US');
  table.push(
    ['nodes (:Airport)', count(account.airports), count(found.airports)],
    ['relationships (:FLIGHT)', count(account.flights), count(found.flights)],
    ['rows of flights', count(account.rows), ''],
    ['rows/s', count(account.rowsPerSecond), ''],
    ['seconds, all tasks', account.seconds.toFixed(1), ''],
    ['retries', count(account.retries), ''],
    ['rejected rows', count(account.rejected), ''],
  );
  process.stdout.write(`\n${table.toString()}\n`);
  return (
    account.airports === found.airports &&
    account.flights === found.flights &&
    account.flights === account.rows
  );
}
