/** Every query of the shipped dashboard gives something for runs that were really reported. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ETLContext } from '../../src/context/etl-context.ts';
import { SILENT_REPORTER } from '../../src/core/reporter.ts';
import { TaskGroup } from '../../src/core/task-group.ts';
import type { QueryResult } from '../../src/neo4j/connection.ts';
import { CSVLoad2Neo4jTask } from '../../src/tasks/csv-load-2-neo4j-task.ts';
import { ExecuteCypherTask } from '../../src/tasks/execute-cypher-task.ts';
import { uniqueLabel } from '../support/context.ts';
import { makeFolder } from '../support/files.ts';
import { ROOT } from '../support/process.ts';
import { REPORTER_DATABASE } from '../support/runs.ts';

interface Report {
  readonly id: string;
  readonly title: string;
  readonly query: string;
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly selection: Readonly<Record<string, string | readonly string[]>>;
  readonly settings: Readonly<Record<string, unknown>>;
}

interface Dashboard {
  readonly version: string;
  readonly settings: { readonly parameters: Readonly<Record<string, unknown>> };
  readonly pages: readonly { readonly title: string; readonly reports: readonly Report[] }[];
}

const DASHBOARD = JSON.parse(readFileSync(join(ROOT, 'docs/dashboards/neodash.json'), 'utf8')) as Dashboard;
const REPORTS = DASHBOARD.pages.flatMap(({ title, reports }) =>
  reports.map((report) => ({ page: title, ...report })),
);
const NAME = uniqueLabel('dashboard');
const ROWS = 500;
const REJECTED = 3;

let runId = '';

/** A run with everything that the dashboard shows: rows, rejected rows, a failure. */
beforeAll(async () => {
  const folder = makeFolder();
  const context = new ETLContext({ env: { ...process.env, REPORTER_DATABASE }, reporter: SILENT_REPORTER });
  const ids = Array.from({ length: ROWS + REJECTED }, (_, i) => (i < REJECTED ? `bad ${i}` : i));
  const load = new CSVLoad2Neo4jTask(context, {
    name: 'rows',
    file: folder.write('rows.csv', `id\n${ids.join('\n')}\n`),
    schema: z.object({ id: z.coerce.number() }),
    rejectedFile: folder.path('rejected.jsonl'),
    query: `UNWIND $batch AS row CREATE (:${NAME} {id: row.id})`,
  });
  const broken = new ExecuteCypherTask(context, { name: 'broken', query: 'RETURN 1 / 0' });
  const run = new TaskGroup(context, [load, broken], NAME);
  runId = run.uuid;
  await run.execute();
  await context.close();
  folder.remove();
});

async function ask(query: string, runIdParameter: string): Promise<QueryResult> {
  await using context = new ETLContext({ reporter: SILENT_REPORTER });
  return await context.neo4j.query(query, {
    ...DASHBOARD.settings.parameters,
    neodash_run_id: runIdParameter,
    input: '', // what NeoDash sends while nothing is typed into a selector
  });
}

function reportNamed(title: string): Report {
  return REPORTS.find((report) => report.title.startsWith(title))!;
}

describe('the dashboard', () => {
  it.each(REPORTS)('$page: $title gives what it shows', async ({ query, selection, type, settings }) => {
    for (const chosen of [runId, '']) {
      const { rows, columns } = await ask(query, chosen);
      expect(rows.length).toBeGreaterThan(0);
      // A chart draws the columns that it names, a rule looks at them.
      const named = type === 'graph' ? [] : Object.values(selection).flat();
      const rules = [settings.styleRules, settings.actionsRules].flatMap(
        (list) => (list ?? []) as readonly { readonly field: string }[],
      );
      for (const column of [...named, ...rules.map(({ field }) => field)]) {
        if (column !== '(none)') expect(columns).toContain(column);
      }
      if (type === 'select') expect(columns).toEqual(['value', 'display']);
    }
  });

  it('shows the run that is chosen as it was', async () => {
    const tasks = await ask(reportNamed('Tasks').query, runId);
    expect(tasks.rows).toMatchObject([
      { Task: NAME, Status: 'failure' },
      { Task: '– rows', Status: 'success', Rows: `${ROWS} of ${ROWS + REJECTED}`, Rejected: REJECTED },
      { Task: '– broken', Status: 'failure' },
    ]);
    const statistics = await ask(reportNamed('Statistics').query, runId);
    expect(statistics.rows).toContainEqual({ Statistic: 'nodes_created', Count: ROWS });
    const last = await ask(reportNamed('Last runs').query, '');
    expect(last.rows.find(({ Id }) => Id === runId)).toMatchObject({
      Run: NAME,
      Status: 'failure',
      Rows: ROWS,
      Rejected: REJECTED,
      Retries: 0,
    });
    const failures = await ask(reportNamed('Failures').query, '');
    expect(failures.rows.filter(({ Id }) => Id === runId)).toMatchObject([
      { Task: 'broken', Error: expect.stringContaining('by zero') },
    ]);
  });

  it('has ids of its own for its reports, and none over another', () => {
    expect(new Set(REPORTS.map(({ id }) => id)).size).toBe(REPORTS.length);
    for (const { reports } of DASHBOARD.pages) {
      const places = reports.flatMap(({ x, y, width, height }) =>
        Array.from({ length: width * height }, (_, i) => `${x + (i % width)},${y + Math.floor(i / width)}`),
      );
      expect(new Set(places).size).toBe(places.length);
      for (const { x, width } of reports) expect(x + width).toBeLessThanOrEqual(24);
    }
  });
});
