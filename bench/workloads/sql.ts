/** SQL over the bench's files. */
import { DuckDBInstance } from '@duckdb/node-api';

type SqlRow = Readonly<Record<string, unknown>>;

/** Runs a query over the view `csv`, the rows of the file with every column as text. */
export function query(file: string, sql: string): Promise<readonly SqlRow[]> {
  return withDuckdb([csvView(file), sql]);
}

/** Writes what a query over the view `csv` gives, without a header. */
export async function copyTo(file: string, sql: string, target: string): Promise<void> {
  await withDuckdb([csvView(file), `COPY (${sql}) TO ${quoted(target)} (FORMAT csv, HEADER false)`]);
}

/** Runs statements and gives the rows of the last one. */
export async function withDuckdb(statements: readonly string[]): Promise<readonly SqlRow[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    let rows: readonly SqlRow[] = [];
    for (const statement of statements) {
      rows = (await connection.runAndReadAll(statement)).getRowObjectsJS() as readonly SqlRow[];
    }
    return rows;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function csvView(file: string): string {
  return `CREATE VIEW csv AS SELECT * FROM read_csv(${quoted(file)}, header = true, all_varchar = true)`;
}
