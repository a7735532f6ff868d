/** A thousand bad rows of six kinds in a million, beside the same load without them. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { node, ParallelCSVLoad2Neo4jTask, relationship } from 'graphweft';
import { z } from 'zod';
import { readJsonLines } from '../../test/support/files.ts';
import { mulberry32 } from '../../test/support/ratings.ts';
import { median, medianAndAll, ratios, whole } from '../support/figures.ts';
import { say } from '../support/progress.ts';
import type { Arena, Size } from './arena.ts';
import { PLACES, prepareGraph } from './trips.ts';

/** By kind of fault: the code that its rows must be rejected with, and the line that has it. */
const FAULTS = [
  ['GW_SOURCE_ROW', (n: number) => `${n},1,2,3,too,many`],
  ['GW_VALIDATION_ROW', (n: number) => `${n},1,2,heavy`],
  ['GW_SPLIT_KEY', (n: number) => `${n},,2,3`],
  ['GW_WRITE_MISSING_NODE', (n: number) => `${n},1,${PLACES + 1},3`],
  ['GW_NEO4J_CONSTRAINT', () => '0,1,2,3'], // the key of the first row
  ['GW_VALUE_INTEGER', (n: number) => `${n},1,2,-1`],
] as const;
const BAD_EVERY = 1_000;
const MAX_RATIO = 2;

export async function loadBadRows(arena: Arena, { times, rows }: Size): Promise<boolean> {
  const bad = new Map<number, string>();
  const seconds: Record<'clean' | 'bad', number[]> = { clean: [], bad: [] };
  const problems: string[] = [];
  for (const kind of ['clean', 'bad'] as const) writeRows(fileOf(arena, kind), rows, arena.seed, kind, bad);
  for (let round = 0; round < times; round++) {
    for (const kind of round % 2 === 0 ? (['clean', 'bad'] as const) : (['bad', 'clean'] as const)) {
      const rejectedFile = join(arena.dataDir, `${kind}.jsonl`);
      rmSync(rejectedFile, { force: true });
      await prepareGraph(arena.context);
      await arena.context.neo4j.query(
        'CREATE CONSTRAINT trip_n IF NOT EXISTS FOR ()-[t:TRIP]-() REQUIRE t.n IS UNIQUE',
      );
      const started = performance.now();
      const { success, error } = await loadOf(arena, fileOf(arena, kind), rejectedFile).execute();
      seconds[kind].push((performance.now() - started) / 1000);
      if (!success) throw error;
      problems.push(...(await problemsOf(arena, rows, kind === 'bad' ? bad : new Map(), rejectedFile)));
      say(`${kind}: ${seconds[kind].at(-1)!.toFixed(1)} s`);
    }
  }
  await arena.context.neo4j.query('DROP CONSTRAINT trip_n IF EXISTS');
  const slower = ratios(seconds.bad, seconds.clean);
  process.stdout.write(
    `bad rows: ${whole(bad.size)} of ${FAULTS.length} kinds in ${whole(rows)}; ` +
      `${problems.length === 0 ? 'each in the file with its row number and cause, the rest loaded' : `NOT EXACT: ${problems.join('; ')}`}; ` +
      `seconds clean ${medianAndAll(seconds.clean, 1)}, with bad rows ${medianAndAll(seconds.bad, 1)}, ` +
      `ratio ${medianAndAll(slower)}; seed ${arena.seed}\n`,
  );
  return problems.length === 0 && median(slower) <= MAX_RATIO;
}

function fileOf({ dataDir }: Arena, kind: string): string {
  return join(dataDir, `trips-${kind}.csv`);
}

function writeRows(
  file: string,
  rows: number,
  seed: number,
  kind: 'clean' | 'bad',
  bad: Map<number, string>,
): void {
  const random = mulberry32(seed);
  const lines = ['n,start,end,weight'];
  for (let n = 0; n < rows; n++) {
    const start = 1 + Math.floor(PLACES * random() ** 2);
    const line = `${n},${start},${1 + Math.floor(PLACES * random())},${Math.floor(100 * random())}`;
    if (kind === 'clean' || n % BAD_EVERY !== BAD_EVERY / 2) {
      lines.push(line);
      continue;
    }
    const [code, lineOf] = FAULTS[bad.size % FAULTS.length]!;
    bad.set(n, code);
    lines.push(lineOf(n));
  }
  writeFileSync(file, `${lines.join('\n')}\n`);
}

function loadOf({ context }: Arena, file: string, rejectedFile: string): ParallelCSVLoad2Neo4jTask {
  const place = (column: string) => node('Place', { id: column });
  const whole = z.coerce.number().int();
  const key = z
    .string()
    .nullable()
    .transform((text) => (text === null ? null : Number(text)));
  return new ParallelCSVLoad2Neo4jTask(context, {
    file,
    rejectedFile,
    schema: z.object({ n: whole, start: key, end: key, weight: whole, _row: z.number() }),
    mapping: relationship('TRIP', {
      from: place('start'),
      to: place('end'),
      properties: { n: 'n', weight: ({ weight }) => (Number(weight) < 0 ? 2n ** 70n : weight) },
      write: 'create',
    }),
  });
}

async function problemsOf(
  { context }: Arena,
  rows: number,
  bad: ReadonlyMap<number, string>,
  rejectedFile: string,
): Promise<readonly string[]> {
  const { rows: found } = await context.neo4j.query(
    'MATCH ()-[t:TRIP]->() RETURN count(t) AS all, count(DISTINCT t.n) AS distinct',
  );
  const { all, distinct } = found[0] as Record<'all' | 'distinct', number>;
  const problems: string[] = [];
  if (all !== distinct || all !== rows - bad.size) problems.push(`${all} rows, ${distinct} of them distinct`);
  const rejected = bad.size === 0 ? [] : readJsonLines(rejectedFile);
  if (rejected.length !== bad.size) problems.push(`${rejected.length} rows are in the file`);
  for (const { rowNumber, lineNumber, code } of rejected) {
    // A malformed line has the number of its line, which counts from 1 and the header.
    const n = rowNumber === null ? Number(lineNumber) - 2 : Number(rowNumber);
    if (bad.get(n) !== code) problems.push(`row ${n} is rejected with ${code} instead of ${bad.get(n)}`);
  }
  return problems;
}
