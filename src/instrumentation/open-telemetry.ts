import type { Attributes, Context, Counter, Histogram, Meter, Span, SpanStatus } from '@opentelemetry/api';
import type { EventBase, EventListeners, OutcomeEvent } from '../core/events.ts';
import { subscribeToEvents } from '../core/events.ts';

type Api = typeof import('@opentelemetry/api');

export const OTEL_SCOPE = 'graphweft';

/** Where every copy of `@opentelemetry/api` 1.x of a process keeps what its user set up. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1');

/** Whether the user has set up a provider of spans or of metrics; asking loads nothing. */
export function hasOpenTelemetryProvider(): boolean {
  const registry = (
    globalThis as { readonly [REGISTRY]?: { readonly trace?: unknown; readonly metrics?: unknown } }
  )[REGISTRY];
  return registry?.trace !== undefined || registry?.metrics !== undefined;
}

/**
 * Turns events into spans (task; below it cell, and transaction) and metrics, until the given function is called. The
 * parent of an outermost task is the span that is active where it is executed.
 */
export function subscribeOpenTelemetry(api: Api): () => void {
  const stopSpans = subscribeToEvents(spanListeners(api));
  const stopMetrics = subscribeToEvents(metricListeners(api.metrics.getMeter(OTEL_SCOPE)));
  return () => {
    stopSpans();
    stopMetrics();
  };
}

function spanListeners({ trace, context, SpanStatusCode }: Api): EventListeners {
  const tracer = trace.getTracer(OTEL_SCOPE);
  const tasks = new Map<string, Span>();
  const cells = new Map<number, Span>();
  const below = (parent: Span | undefined): Context =>
    parent ? trace.setSpan(context.active(), parent) : context.active();
  const end = (span: Span, { timeMs, isSuccess, errorCode }: OutcomeEvent): void => {
    if (!isSuccess) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: errorCode } as SpanStatus);
      span.setAttribute('error.type', errorCode ?? 'unknown');
    }
    span.end(timeMs);
  };
  return {
    task(event) {
      if (event.event === 'task:start') {
        const parent = event.parentUuid === undefined ? undefined : tasks.get(event.parentUuid);
        const options = { startTime: event.timeMs, attributes: taskAttributes(event) };
        tasks.set(event.taskUuid!, tracer.startSpan(`task ${event.task}`, options, below(parent)));
        return;
      }
      const span = tasks.get(event.taskUuid!);
      tasks.delete(event.taskUuid!);
      if (span) end(span, event);
    },
    cell(event) {
      if (event.event === 'cell:start') {
        const attributes = {
          ...taskAttributes(event),
          'graphweft.cell.row': event.row,
          'graphweft.cell.col': event.col,
          'graphweft.cell.rows': event.rows,
        };
        const options = { startTime: event.timeMs, attributes };
        cells.set(event.cell, tracer.startSpan('cell', options, below(tasks.get(event.taskUuid!))));
        return;
      }
      const span = cells.get(event.cell);
      cells.delete(event.cell);
      if (span) end(span, event);
    },
    transaction(event) {
      const parent = cells.get(event.cell!) ?? tasks.get(event.taskUuid!);
      const attributes = {
        ...taskAttributes(event),
        'db.system.name': 'neo4j',
        'graphweft.retries': event.retries,
      };
      const options = { startTime: event.timeMs - event.durationMs, attributes };
      end(tracer.startSpan('transaction', options, below(parent)), event);
    },
  };
}

function metricListeners(meter: Meter): EventListeners {
  const rows = counter(meter, 'graphweft.rows', '{row}', 'Rows that sinks wrote');
  const rejected = counter(meter, 'graphweft.rows.invalid', '{row}', 'Rows that a schema refused');
  const retries = counter(meter, 'graphweft.retries', '{retry}', 'Tries of transactions after the first');
  const taskTime = seconds(meter, 'graphweft.task.duration');
  const cellTime = seconds(meter, 'graphweft.cell.duration');
  const transactionTime = seconds(meter, 'graphweft.transaction.duration');
  const record = (histogram: Histogram, event: OutcomeEvent): void => {
    const failed = event.isSuccess ? {} : { 'error.type': event.errorCode ?? 'unknown' };
    histogram.record(event.durationMs / 1000, { ...taskAttributes(event), ...failed });
  };
  return {
    task: (event) => event.event === 'task:end' && record(taskTime, event),
    cell: (event) => event.event === 'cell:end' && record(cellTime, event),
    sink: (event) => rows.add(event.rows, taskAttributes(event)),
    validation: (event) => rejected.add(event.invalidRows, taskAttributes(event)),
    transaction(event) {
      retries.add(event.retries, taskAttributes(event));
      record(transactionTime, event);
    },
  };
}

/** The task's name only: an identifier of each run would make a time series of each. */
function taskAttributes({ task }: EventBase): Attributes {
  return task === undefined ? {} : { 'graphweft.task': task };
}

function counter(meter: Meter, name: string, unit: string, description: string): Counter {
  return meter.createCounter(name, { unit, description });
}

function seconds(meter: Meter, name: string): Histogram {
  return meter.createHistogram(name, { unit: 's' });
}
