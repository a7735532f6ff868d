import stringWidth from 'string-width';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatRun, formatRuns } from '../../../src/cli/run-tables.ts';
import type { KeptTree } from '../../../src/reporting/run-history.ts';

const zone = process.env.TZ;
beforeAll(() => {
  process.env.TZ = 'America/New_York';
});
afterAll(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

function kept(name: string, fields: Partial<KeptTree> = {}): KeptTree {
  return {
    id: `${name}-0000-0000`,
    name,
    status: 'success',
    startTime: '2026-07-01T03:15:20.500Z',
    endTime: null,
    durationMs: 1_500,
    batches: null,
    expectedBatches: null,
    rows: null,
    expectedRows: null,
    rejectedRows: null,
    statistics: {},
    error: null,
    tasks: [],
    ...fields,
  };
}

const FAILED = kept('nightly', {
  status: 'failure',
  durationMs: 65_000,
  rows: 120_000,
  expectedRows: 400_000,
  rejectedRows: 12,
  error: 'Task "flights" failed: no answer (GW_TASK_FAILED)',
  statistics: { nodes_created: 3_000, relationships_created: 117_000, properties_set: 0 },
  tasks: [
    kept('schema', { batches: 2 }),
    kept('load', {
      status: 'failure',
      error: 'Task "flights" failed: no answer',
      tasks: [
        kept('airports', {
          batches: 1,
          expectedBatches: 1,
          rows: 3_000,
          expectedRows: 3_000,
          statistics: { nodes_created: 3_000 },
        }),
        kept('flights', {
          status: 'failure',
          batches: 24,
          expectedBatches: 80,
          rows: 117_000,
          expectedRows: 397_000,
          rejectedRows: 12,
          error: 'no answer (GW_NEO4J_UNAVAILABLE)',
          statistics: { relationships_created: 117_000, retries: 0 },
        }),
      ],
    }),
    kept('check', { status: 'aborted', startTime: null, durationMs: null }),
  ],
});

describe('formatRuns', () => {
  it('lines up what there is, in the reader’s own time, and leaves out empty columns', () => {
    const runs = [FAILED, kept('schema only', { status: 'running', durationMs: null })];
    expect(formatRuns(runs, { colour: false }).split('\n')).toEqual([
      'id        run          status   started           duration                rows  rows/s  rejected',
      'nightly-  nightly      failure  2026-06-30 23:15    1m 05s  120,000 of 400,000   1.85k        12',
      'schema o  schema only  running  2026-06-30 23:15',
    ]);
    expect(formatRuns(runs.slice(1), { colour: false })).not.toContain('rejected');
  });

  it('paints the status without moving a column', () => {
    const plain = formatRuns([FAILED], { colour: false });
    const painted = formatRuns([FAILED], { colour: true });
    expect(painted).toContain('\u001b[31mfailure\u001b[39m');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    expect(painted.replaceAll(/\u001b\[\d+m/g, '')).toBe(plain);
  });

  it('lines up names of wide characters', () => {
    const lines = formatRuns([kept('空港'), kept('rail')], { colour: false })
      .split('\n')
      .slice(1);
    const starts = lines.map((line) => stringWidth(line.slice(0, line.indexOf('success'))));
    expect(starts[0]).toBe(starts[1]);
  });

  it('shows a status that it does not know', () => {
    expect(formatRuns([kept('theirs', { status: 'paused' as never })], { colour: true })).toContain('paused');
  });
});

describe('formatRun', () => {
  it('shows the tree, why it failed at the root of it, and what was made', () => {
    expect(formatRun(FAILED, { colour: false }).split('\n')).toEqual([
      'nightly  nightly-0000-0000',
      'failure, started 2026-06-30 23:15:20, 1m 05s',
      '',
      'task          status   duration   batches                rows  rows/s  rejected',
      'nightly       failure    1m 05s            120,000 of 400,000   1.85k        12',
      '├ schema      success     1.5 s         2',
      '├ load        failure     1.5 s',
      '│ ├ airports  success     1.5 s         1               3,000   2.00k',
      '│ └ flights   failure     1.5 s  24 of 80  117,000 of 397,000   78.0k        12',
      '└ check       aborted',
      '',
      'flights: no answer (GW_NEO4J_UNAVAILABLE)',
      '',
      '3,000 nodes created, 117,000 relationships created',
    ]);
  });

  it('lists the statistics of each task that has some', () => {
    const lines = formatRun(FAILED, { colour: false, details: true }).split('\n');
    expect(lines.slice(lines.indexOf('flights: no answer (GW_NEO4J_UNAVAILABLE)') + 1)).toEqual([
      '',
      'nightly',
      '  nodes_created            3,000',
      '  relationships_created  117,000',
      '',
      'airports',
      '  nodes_created  3,000',
      '',
      'flights',
      '  relationships_created  117,000',
    ]);
  });
});
