import { metrics, context as otelContext, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ETLContext } from '../../../src/context/etl-context.ts';
import { SourceError } from '../../../src/core/errors.ts';
import { isHeard, nextCell, publishEvent, taskFields } from '../../../src/core/events.ts';
import { SILENT_REPORTER } from '../../../src/core/reporter.ts';
import type { Task } from '../../../src/core/task.ts';
import { TaskGroup } from '../../../src/core/task-group.ts';
import { RecordingReporter } from '../../support/context.ts';
import { FunctionTask } from '../core/test-context.ts';

afterEach(() => {
  trace.disable();
  metrics.disable();
  otelContext.disable();
});

function useTelemetry() {
  const spans = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
  );
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 600_000 });
  const meters = new MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(meters);
  return {
    spans: () => spans.getFinishedSpans(),
    async points() {
      await meters.forceFlush();
      const all =
        exporter
          .getMetrics()
          .at(-1)
          ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
      await meters.shutdown();
      return new Map(all.map((metric) => [metric.descriptor.name, metric]));
    },
  };
}

/** Does what a load's links do: a cell with a transaction in it, a failed transaction outside. */
function publishLoad(task: Task): void {
  const own = taskFields(task);
  const place = { ...own, cell: nextCell(), row: 1, col: 2 };
  const ok = { isSuccess: true } as const;
  publishEvent('cell', () => ({ event: 'cell:start', ...place, rows: 30 }));
  publishEvent('transaction', () => ({
    event: 'transaction:end',
    ...place,
    ...ok,
    retries: 2,
    durationMs: 40,
  }));
  publishEvent('sink', () => ({ event: 'sink:write', ...place, sink: 'S', rows: 30, durationMs: 50 }));
  publishEvent('cell', () => ({ event: 'cell:end', ...place, ...ok, rows: 30, durationMs: 60 }));
  publishEvent('validation', () => ({
    event: 'validation:end',
    ...own,
    rows: 9,
    invalidRows: 4,
    durationMs: 1,
  }));
  publishEvent('transaction', () => ({
    event: 'transaction:end',
    ...own,
    isSuccess: false,
    errorCode: 'GW_NEO4J_WRITE',
    retries: 0,
    durationMs: 10,
  }));
}

function millis([seconds, nanos]: readonly [number, number]): number {
  return seconds * 1e3 + nanos / 1e6;
}

describe('OpenTelemetry', () => {
  it('gets a tree of spans and the sums of a run', async () => {
    const telemetry = useTelemetry();
    await using context = new ETLContext({ reporter: SILENT_REPORTER, env: {} });
    const load = new FunctionTask(context, 'load', (task) => void publishLoad(task));
    const broken = new FunctionTask(context, 'broken', () => {
      throw new SourceError('GW_SOURCE_FORMAT', 'secret row');
    });
    await new TaskGroup(context, [load, broken], 'all').execute();

    const spans = telemetry.spans();
    const byName = (name: string) => spans.find((span) => span.name === name) as ReadableSpan;
    const group = byName('task all');
    const cell = byName('cell');
    const [inCell, alone] = spans.filter(({ name }) => name === 'transaction');
    expect(group.parentSpanContext).toBeUndefined();
    for (const [child, parent] of [
      [byName('task load'), group],
      [byName('task broken'), group],
      [cell, byName('task load')],
      [inCell!, cell],
      [alone!, byName('task load')],
    ] as const) {
      expect(child.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
      expect(child.spanContext().traceId).toBe(group.spanContext().traceId);
    }
    expect(spans).toHaveLength(6);
    expect(cell.attributes).toEqual({
      'graphweft.task': 'load',
      'graphweft.cell.row': 1,
      'graphweft.cell.col': 2,
      'graphweft.cell.rows': 30,
    });
    expect(inCell!.attributes).toMatchObject({ 'db.system.name': 'neo4j', 'graphweft.retries': 2 });
    expect(millis(inCell!.duration)).toBeCloseTo(40, 1);
    expect(Math.abs(millis(group.endTime) - Date.now())).toBeLessThan(5_000);
    expect(alone!.status).toEqual({ code: SpanStatusCode.ERROR, message: 'GW_NEO4J_WRITE' });
    expect(byName('task broken').attributes['error.type']).toBe('GW_SOURCE_FORMAT');
    expect(
      JSON.stringify(spans.map(({ attributes, status, events }) => [attributes, status, events])),
    ).not.toContain('secret');

    const points = await telemetry.points();
    const sum = (name: string) =>
      points.get(name)?.dataPoints.reduce((total, { value }) => total + (value as number), 0);
    expect(sum('graphweft.rows')).toBe(30);
    expect(sum('graphweft.retries')).toBe(2);
    expect(sum('graphweft.rows.invalid')).toBe(4);
    const transactions = points.get('graphweft.transaction.duration');
    expect(transactions?.descriptor.unit).toBe('s');
    expect(transactions?.dataPoints.map(({ value, attributes }) => [value, attributes])).toEqual([
      [expect.objectContaining({ count: 1, sum: 0.04 }), { 'graphweft.task': 'load' }],
      [
        expect.objectContaining({ count: 1, sum: 0.01 }),
        { 'graphweft.task': 'load', 'error.type': 'GW_NEO4J_WRITE' },
      ],
    ]);
    expect(points.get('graphweft.task.duration')?.dataPoints).toHaveLength(3);
    expect(points.get('graphweft.cell.duration')?.dataPoints).toHaveLength(1);
  });

  it('hears nothing where no provider is set up, nor after the context is closed', async () => {
    const context = new ETLContext({ reporter: SILENT_REPORTER, env: {} });
    const heard: boolean[] = [];
    const look = () => new FunctionTask(context, 'look', () => void heard.push(isHeard('cell'))).execute();
    await look();
    const telemetry = useTelemetry();
    await look();
    await context.close();
    heard.push(isHeard('cell'));
    expect(heard).toEqual([false, true, false]);
    expect(telemetry.spans().map(({ name }) => name)).toEqual(['task look']);
  });

  it('puts the outermost task below the span that is active', async () => {
    otelContext.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const telemetry = useTelemetry();
    await using context = new ETLContext({ reporter: SILENT_REPORTER, env: {} });
    await trace.getTracer('user').startActiveSpan('nightly', async (span) => {
      await new FunctionTask(context, 'load').execute();
      span.end();
    });
    const [task, nightly] = telemetry.spans();
    expect([task!.name, nightly!.name]).toEqual(['task load', 'nightly']);
    expect(task!.parentSpanContext?.spanId).toBe(nightly!.spanContext().spanId);
  });

  it('is said once to be missing where it cannot be loaded, and the task runs', async () => {
    const telemetry = useTelemetry();
    vi.doMock('@opentelemetry/api', () => Promise.reject(new Error('Cannot find package')));
    const reporter = new RecordingReporter();
    await using context = new ETLContext({ reporter, env: {} });
    for (let i = 0; i < 2; i++)
      expect((await new FunctionTask(context, 'load').execute()).success).toBe(true);
    vi.doUnmock('@opentelemetry/api');
    expect(reporter.warnings).toHaveLength(1);
    expect(reporter.warnings[0]).toContain('npm install @opentelemetry/api');
    expect(telemetry.spans()).toEqual([]);
  });

  it('counts once where two contexts run', async () => {
    const telemetry = useTelemetry();
    await using one = new ETLContext({ reporter: SILENT_REPORTER, env: {} });
    await using two = new ETLContext({ reporter: SILENT_REPORTER, env: {} });
    const work = (task: Task) => void publishLoad(task);
    await Promise.all([
      new FunctionTask(one, 'a', work).execute(),
      new FunctionTask(two, 'b', work).execute(),
    ]);
    expect(telemetry.spans()).toHaveLength(8);
  });
});
