/** What is printed of the comparisons: one table, and below it the ratios pair by pair. */
import { availableParallelism } from 'node:os';
import { median, medianAndAll, ratios, whole } from '../support/figures.ts';
import { textTable } from '../support/text-table.ts';
import { type Comparison, type Entry, settingsText } from './compare.ts';
import type { Run } from './run-once.ts';

const NONE = '–';

export function reportText(comparisons: readonly Comparison[]): string {
  const table = textTable([
    'workload',
    'contestant',
    'writers × rows',
    'rows/s, median',
    'all',
    'client CPU s',
    'server CPU s',
    'retries',
    'peak MB',
    'rows lost',
  ]);
  for (const { work, entries } of comparisons)
    for (const entry of entries) table.push([`${work.name}, ${whole(work.rows)} rows`, ...cells(entry)]);
  return `${table.toString()}\n${comparisons.map(below).join('')}`;
}

function cells({ contestant, settings, runs, failure }: Entry): readonly string[] {
  if (failure) return [contestant.name, 'failed', ...Array.from({ length: 7 }, () => NONE)];
  const rates = runs.map((run) => run.rowsPerSecond);
  return [
    contestant.name,
    (settings && settingsText(settings)) || NONE,
    whole(median(rates)),
    rates.map(whole).join(' '),
    cpu(runs.map((run) => run.cpuSeconds)),
    cpu(runs.map((run) => run.serverCpuSeconds)),
    runs.map((run) => run.retries).join(' '),
    numbers(
      runs.map((run) => run.peakMb),
      (values) => whole(Math.max(...values)),
    ),
    runs.map((run) => whole(run.lost)).join(' '),
  ];
}

function cpu(seconds: readonly (number | undefined)[]): string {
  return numbers(
    seconds,
    (values) => `${median(values).toFixed(1)} (${values.map((value) => value.toFixed(1)).join(' ')})`,
  );
}

function numbers(
  values: readonly (number | undefined)[],
  text: (values: readonly number[]) => string,
): string {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? NONE : text(known);
}

/** The ratios of a workload, what the first pass showed, and whether all graphs were the same. */
function below({ work, calibrationRows, entries }: Comparison): string {
  const runsOf = (id: string) => entries.find(({ contestant }) => contestant.id === id)?.runs ?? [];
  const lines = [...rateLines(runsOf), ...cpuLines(runsOf), ...limitLines(runsOf, work.rows)];
  for (const { contestant, tries, failure } of entries) {
    if (failure) lines.push(`FAILED: ${contestant.name}: ${failure}`);
    if (tries.length < 2) continue;
    const shown = tries.map(({ settings, rowsPerSecond, lost, failure: why }) => {
      const loss = lost > 0 || contestant.id === 'load-csv' ? ` and ${whole(lost)} rows lost` : '';
      return `${settingsText(settings)}: ${why ? 'failed' : whole(rowsPerSecond)}${loss}`;
    });
    lines.push(
      `first pass, ${contestant.name}, rows/s by writers and rows a transaction: ${shown.join(', ')}`,
    );
  }
  const reordered = entries.filter(({ runs }) => runs.some(({ isReordered }) => isReordered));
  for (const { contestant } of reordered)
    lines.push(
      `${contestant.name}: of rows that are one relationship it was not always the last that counted`,
    );
  const { nodes, relationships, ends, values } = work.expected;
  const isSame = entries.every(({ failure }) => !failure);
  lines.push(
    `${isSame ? 'the same graph every time' : 'THE GRAPH SHOULD HAVE'}: ${whole(nodes)} nodes, ` +
      `${whole(relationships)} relationships, checksums ${ends} and ${values}`,
  );
  const head = `\n${work.name}, ${whole(work.rows)} rows (first pass ${whole(calibrationRows)})\n`;
  return `${head}${lines.map((line) => `  ${line}\n`).join('')}`;
}

type RunsOf = (id: string) => readonly Run[];

const PAIRS = [
  ['graphweft, mapping, to neo4j-etl-lib', 'mapping', 'etl-lib'],
  ['graphweft, Cypher, to neo4j-etl-lib', 'statement', 'etl-lib'],
  ['graphweft, mapping, to LOAD CSV without loss', 'mapping', 'load-csv'],
  ['graphweft, mapping, to the offline import', 'mapping', 'import'],
  ['graphweft, mapping, to the driver with retries', 'mapping', 'driver'],
  ['graphweft, mapping, to one writer', 'mapping', 'sequential'],
  ["parallel: 'auto' to the best of graphweft, mapping", 'auto', 'mapping'],
] as const;

function rateLines(runsOf: RunsOf): readonly string[] {
  return PAIRS.flatMap(([name, ours, theirs]) => {
    const rate = (run: Run) => run.rowsPerSecond;
    const found = ratios(runsOf(ours).map(rate), runsOf(theirs).map(rate));
    return found.length === 0 ? [] : [`${name}: ${medianAndAll(found)}`];
  });
}

function cpuLines(runsOf: RunsOf): readonly string[] {
  const seconds = (id: string) => runsOf(id).map((run) => run.cpuSeconds ?? Number.NaN);
  const found = ratios(seconds('mapping'), seconds('etl-lib'));
  if (found.length === 0) return [];
  return [`client CPU a row, graphweft, mapping, to neo4j-etl-lib: ${medianAndAll(found)}`];
}

/**
 * How near a run came to what the server can do with graphweft's statement: if it had all cores to itself, it would need
 * its own CPU time divided by their number.
 */
function limitLines(runsOf: RunsOf, rows: number): readonly string[] {
  const cores = availableParallelism();
  const limits = runsOf('mapping').map((run) => (cores * rows) / (run.serverCpuSeconds ?? Number.NaN));
  return (['mapping', 'auto'] as const).flatMap((id) => {
    const found = ratios(
      runsOf(id).map((run) => run.rowsPerSecond),
      limits,
    );
    const name = id === 'auto' ? "parallel: 'auto'" : 'graphweft, mapping';
    return found.length === 0
      ? []
      : [`share of what the server allows on ${cores} cores, ${name}: ${medianAndAll(found)}`];
  });
}
