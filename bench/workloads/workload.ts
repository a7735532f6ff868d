/** Files and statements that all contestants get: the same bytes, the same Cypher. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FLIGHTS } from './flights.ts';
import { RATINGS } from './ratings.ts';
import { query } from './sql.ts';
import { TAXI } from './taxi.ts';

export const WORKLOAD_NAMES = ['ratings', 'flights', 'taxi'] as const;
export type WorkloadName = (typeof WORKLOAD_NAMES)[number];

/** What is counted of a graph; two graphs with the same of all four are taken for the same. */
export interface GraphFigures {
  readonly nodes: number;
  readonly relationships: number;
  /** A sum over the ends of all relationships. */
  readonly ends: number;
  /** A sum over their properties; of rows that are one relationship, the last one's. */
  readonly values: number;
}

/** A file of an offline import: its header, and the query over the view `csv` that gives its rows. */
export interface OfflineFile {
  /** Label or type. */
  readonly name: string;
  readonly header: string;
  readonly sql: string;
}

export interface OfflineImport {
  readonly idType: 'integer' | 'string';
  readonly nodes: readonly OfflineFile[];
  readonly relationships: readonly OfflineFile[];
}

/** What is the same for any number of rows. */
export interface WorkloadKind {
  readonly defaultRows: number;
  write(file: string, rows: number): Promise<void>;
  /** Run before each load, on an empty graph. */
  prepare(file: string): Promise<readonly string[]>;
  /** The statement over `$batch`. */
  readonly query: string;
  readonly start: string;
  readonly end: string;
  readonly monopartite: boolean;
  /** Gives the figures that the file must come to, by SQL over the view `csv`: every column is text there. */
  readonly expectedSql: string;
  /** Gives `ends` and `values` of the graph that is there. */
  readonly checkQuery: string;
  readonly offline: OfflineImport;
}

export interface Workload
  extends Pick<WorkloadKind, 'query' | 'start' | 'end' | 'monopartite' | 'checkQuery' | 'offline'> {
  readonly name: WorkloadName;
  readonly file: string;
  readonly rows: number;
  /** Run before each load, on an empty graph. */
  readonly prepare: readonly string[];
  readonly expected: GraphFigures;
}

const KINDS: Readonly<Record<WorkloadName, WorkloadKind>> = {
  ratings: RATINGS,
  flights: FLIGHTS,
  taxi: TAXI,
};
const DATA = fileURLToPath(new URL('../.data', import.meta.url));

/** Makes a workload ready; its file is made once for a number of rows. @param rows Default: the workload's own. */
export async function workload(name: WorkloadName, rows?: number): Promise<Workload> {
  const kind = KINDS[name];
  const asked = rows ?? kind.defaultRows;
  mkdirSync(DATA, { recursive: true });
  const file = join(DATA, `${name}-${asked}.csv`);
  await kind.write(file, asked);
  const [found] = await query(
    file,
    `SELECT (SELECT count(*) FROM csv) AS rows, * FROM (${kind.expectedSql})`,
  );
  const figure = (field: string) => Number(found?.[field]);
  const { query: statement, start, end, monopartite, checkQuery, offline } = kind;
  return {
    name,
    file,
    rows: figure('rows'),
    prepare: await kind.prepare(file),
    query: statement,
    start,
    end,
    monopartite,
    checkQuery,
    offline,
    expected: {
      nodes: figure('nodes'),
      relationships: figure('relationships'),
      ends: figure('ends'),
      values: figure('values'),
    },
  };
}
