/** The load of the fault benches: its file, and what must be in the graph and in the rejected file afterwards. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ETLContext } from 'graphweft';
import { readJsonLines } from '../../test/support/files.ts';
import { mulberry32 } from '../../test/support/ratings.ts';
import { wipe } from '../support/bench-server.ts';

export const PLACES = 1_000;
/** A bad row every so many. */
const BAD_EVERY = 5_003;

/** How trips are written: by a mapping, which finds missing ends, or by a statement, which refuses dates that are none. */
export const KINDS = ['mapping', 'query'] as const;
export type Kind = (typeof KINDS)[number];

export interface Trips {
  readonly file: string;
  readonly kind: Kind;
  readonly rows: number;
  /** Numbers of the rows that must be rejected. */
  readonly bad: readonly number[];
}

const DATA = fileURLToPath(new URL('../.data', import.meta.url));

export function tripsFile(kind: Kind, rows: number, seed: number): Trips {
  mkdirSync(DATA, { recursive: true });
  const file = join(DATA, `trips-${kind}-${rows}-${seed}.csv`);
  const bad: number[] = [];
  const random = mulberry32(seed);
  const lines = ['n,start,end,day'];
  for (let n = 0; n < rows; n++) {
    let start = String(1 + Math.floor(PLACES * random() ** 2));
    let end = String(1 + Math.floor(PLACES * random()));
    let day = '2026-11-25';
    if (n % BAD_EVERY === 17) {
      bad.push(n);
      // A statement of one's own drops rows without their nodes silently; only the mapping can tell.
      if (kind === 'query') day = 'someday';
      else if (bad.length % 2 === 0) start = '';
      else end = String(PLACES + 1);
    }
    lines.push(`${n},${start},${end},${day}`);
  }
  if (!existsSync(file)) writeFileSync(file, `${lines.join('\n')}\n`);
  return { file, kind, rows, bad };
}

/** Empties the graph and makes the places. */
export async function prepareGraph({ neo4j }: ETLContext): Promise<void> {
  await wipe({ neo4j });
  await neo4j.query('CREATE CONSTRAINT IF NOT EXISTS FOR (p:Place) REQUIRE p.id IS UNIQUE');
  await neo4j.query('UNWIND range(1, $places) AS id CREATE (:Place {id: id})', { places: PLACES });
}

/** Says in what the graph or the rejected file is not exactly the source; nothing when all is well. */
export async function differences(
  { neo4j }: ETLContext,
  { rows, bad }: Trips,
  rejectedFile: string,
): Promise<readonly string[]> {
  const { rows: found } = await neo4j.query(
    'MATCH ()-[t:TRIP]->() RETURN count(t) AS all, count(DISTINCT t.n) AS distinct, sum(t.n) AS sum',
  );
  const { all, distinct, sum } = found[0] as Record<'all' | 'distinct' | 'sum', number>;
  const good = rows - bad.length;
  const total = (rows * (rows - 1)) / 2 - bad.reduce((a, b) => a + b, 0);
  const problems: string[] = [];
  if (all !== distinct) problems.push(`${all - distinct} rows are doubled`);
  if (distinct !== good) problems.push(`${good - distinct} rows are lost`);
  else if (sum !== total) problems.push('other rows are there than those of the source');
  const rejected = existsSync(rejectedFile)
    ? readJsonLines(rejectedFile).map(({ rowNumber }) => Number(rowNumber))
    : [];
  if (String([...rejected].sort((a, b) => a - b)) !== String(bad))
    problems.push(`rejected are rows ${rejected} instead of ${bad}`);
  return problems;
}
