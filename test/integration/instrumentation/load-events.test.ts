import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, describe, expect, it } from 'vitest';
import { ETLContext } from '../../../src/context/etl-context.ts';
import {
  type SinkWriteEvent,
  subscribeToEvents,
  type TransactionEndEvent,
} from '../../../src/core/events.ts';
import { SILENT_REPORTER } from '../../../src/core/reporter.ts';
import { node, relationship } from '../../../src/mapping/patterns.ts';
import { CSVLoad2Neo4jTask, ParallelCSVLoad2Neo4jTask } from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { uniqueLabel } from '../../support/context.ts';
import { useFolder } from '../../support/files.ts';

afterEach(() => trace.disable());

const ROWS = 3_000;

function people(): { readonly file: string; readonly path: (name: string) => string } {
  const folder = useFolder();
  const lines = Array.from({ length: ROWS }, (_, i) => `p${i % 500},p${(i * 7) % 500},confidential-${i}`);
  return { file: folder.write('knows.csv', `from,to,note\n${lines.join('\n')}\n`), path: folder.path };
}

function byEvent(path: string): ReadonlyMap<string, Readonly<Record<string, string>>[]> {
  const [header, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  const columns = header!.split(',');
  const rows = lines.map((line) =>
    Object.fromEntries(line.split(',').map((field, i) => [columns[i]!, field])),
  );
  const names = new Set(rows.map(({ event }) => event!));
  return new Map([...names].map((name) => [name, rows.filter(({ event }) => event === name)]));
}

function total(rows: readonly Readonly<Record<string, string>>[] | undefined, column: string): number {
  return (rows ?? []).reduce((sum, row) => sum + Number(row[column]), 0);
}

describe('a load that is listened to', () => {
  it.each(['claims', 'waves'] as const)('leaves its account in a CSV file, with %s', async (schedule) => {
    const { file, path } = people();
    const label = uniqueLabel('Person');
    const events = path('events.csv');
    const env = { ...process.env, GRAPHWEFT_INSTRUMENT: 'csv', GRAPHWEFT_INSTRUMENT_PATH: events };
    const context = new ETLContext({ env, reporter: SILENT_REPORTER });
    const { success, summary } = await new ParallelCSVLoad2Neo4jTask(context, {
      file,
      mapping: relationship('KNOWS', {
        from: node(label, { id: 'from' }, { write: 'merge' }),
        to: node(label, { id: 'to' }, { write: 'merge' }),
        properties: ['note'],
        write: 'create',
      }),
      name: 'people',
      batchSize: 500,
      schedule,
    }).execute();
    await context.close();
    expect(success).toBe(true);
    const found = byEvent(events);
    expect(total(found.get('source:read'), 'rows')).toBe(ROWS);
    expect(total(found.get('sink:write'), 'rows')).toBe(ROWS);
    expect(total(found.get('cell:end'), 'rows')).toBe(ROWS);
    expect(found.has('wave:end')).toBe(schedule === 'waves');
    expect(found.get('sink:write')?.every(({ cell, row, col }) => cell && row && col)).toBe(true);
    const inCells = (found.get('transaction:end') ?? []).filter(({ cell }) => cell !== '');
    expect(inCells.map(({ cell }) => cell).sort()).toEqual(
      found
        .get('sink:write')
        ?.map(({ cell }) => cell)
        .sort(),
    );
    expect(total(found.get('transaction:end'), 'retries')).toBe(summary.retries ?? 0);
    for (const { task, duration_ms, event } of [...found.values()].flat()) {
      expect(task).toBe('people');
      if (!event?.endsWith(':start')) expect(Number(duration_ms)).toBeGreaterThan(0);
    }
    const text = readFileSync(events, 'utf8');
    for (const secret of ['confidential', process.env.NEO4J_PASSWORD!, 'UNWIND', label, file])
      expect(text).not.toContain(secret);
  });

  it('counts no row as written that was set aside', async () => {
    const { file } = people();
    await using context = new ETLContext({ reporter: SILENT_REPORTER });
    const [person, missing] = [uniqueLabel('Person'), uniqueLabel('Missing')];
    const events: SinkWriteEvent[] = [];
    const stop = subscribeToEvents({ sink: (event) => void events.push(event) });
    const { summary } = await new CSVLoad2Neo4jTask(context, {
      file,
      mapping: relationship('KNOWS', {
        from: node(person, { id: 'from' }, { write: 'merge' }),
        to: node(missing, { id: 'to' }),
      }),
      missingNodes: 'ignore',
    }).execute();
    stop();
    expect(summary).toMatchObject({ missing_node_rows: ROWS });
    expect(events.map(({ rows }) => rows)).toEqual([0]);
  });

  it('counts the tries of transactions that deadlock as their statistics do', async () => {
    const events: TransactionEndEvent[] = [];
    await using context = new ETLContext({ reporter: SILENT_REPORTER });
    const label = uniqueLabel('Lock');
    await context.neo4j.query(`UNWIND [1, 2] AS id CREATE (:${label} {id: id})`);
    const stop = subscribeToEvents({ transaction: (event) => void events.push(event) });
    const lock = `MATCH (n:${label} {id: $id}) SET n.by = $by`;
    const both = (first: number, second: number) =>
      context.neo4j.transact(async (run) => {
        await run(lock, { id: first, by: first });
        await sleep(300); // until the other one has its first lock too
        await run(lock, { id: second, by: first });
      });
    const done = await Promise.all([both(1, 2), both(2, 1)]);
    stop();
    const retries = done.reduce((sum, { statistics }) => sum + (statistics.retries ?? 0), 0);
    expect(retries).toBeGreaterThan(0);
    expect(events).toHaveLength(2);
    expect(events.reduce((sum, event) => sum + event.retries, 0)).toBe(retries);
    expect(events.every(({ isSuccess }) => isSuccess)).toBe(true);
  });

  it('says how a transaction failed, by its code, and gives OpenTelemetry the span of it', async () => {
    const spans = new InMemorySpanExporter();
    trace.setGlobalTracerProvider(
      new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
    );
    const { file } = people();
    await using context = new ETLContext({ reporter: SILENT_REPORTER });
    const task = new CSVLoad2Neo4jTask(context, {
      file,
      query: 'UNWIND $batch AS row RETURN row.from.x',
      badRows: 'error',
      name: 'wrong',
    });
    expect((await task.execute()).success).toBe(false);
    const [root] = spans.getFinishedSpans().filter(({ name }) => name === 'task wrong');
    const transactions = spans.getFinishedSpans().filter(({ name }) => name === 'transaction');
    const failed = transactions.filter(({ attributes }) => 'error.type' in attributes);
    expect(failed).toHaveLength(1);
    expect(failed[0]!.attributes['error.type']).toBe(root!.attributes['error.type']);
    expect(failed[0]!.attributes['error.type']).toMatch(/^GW_NEO4J_/);
    expect(failed[0]!.parentSpanContext?.spanId).toBe(root!.spanContext().spanId);
  });
});
