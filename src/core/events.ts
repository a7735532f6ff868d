/**
 * What happens during a load, on channels of `node:diagnostics_channel`. An event is built only when its channel has a
 * subscriber; without one, a place that could publish costs one comparison.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Channel, channel } from 'node:diagnostics_channel';
import { GraphweftError } from './errors.ts';
import type { Statistics } from './statistics.ts';

/** The kinds of events; each has a channel. */
export const EVENT_KINDS = ['task', 'source', 'validation', 'wave', 'cell', 'transaction', 'sink'] as const;
/** One of {@link EVENT_KINDS}. */
export type EventKind = (typeof EVENT_KINDS)[number];

/** What every event has. None holds a value of a row, a statement, a parameter or an address. */
export interface EventBase {
  /** When it was published, in ms since 1970 (UTC), with fractions. */
  readonly timeMs: number;
  /** Name of the task, where one is known. */
  readonly task?: string | undefined;
  readonly taskUuid?: string | undefined;
}

/** What the events that end something have. */
export interface EndEvent extends EventBase {
  /** How long it took, in ms, with fractions. */
  readonly durationMs: number;
}

/** What an end that may be a failure has. */
export interface OutcomeEvent extends EndEvent {
  readonly isSuccess: boolean;
  /** Code of the error of a failure: `GW_…`, or the error's class name where it has none. */
  readonly errorCode?: string | undefined;
}

/** A task or a group begins. */
export interface TaskStartEvent extends EventBase {
  readonly event: 'task:start';
  /** The group that runs it, where there is one. */
  readonly parentUuid?: string | undefined;
}

/** A task or a group ended. */
export interface TaskEndEvent extends OutcomeEvent {
  readonly event: 'task:end';
  readonly parentUuid?: string | undefined;
  /** The task's counts. */
  readonly statistics: Statistics;
}

/** A source gave a batch; the duration is what was waited for it. */
export interface SourceReadEvent extends EndEvent {
  readonly event: 'source:read';
  /** Class of the source. */
  readonly source: string;
  readonly rows: number;
}

/** A batch was checked against a schema. */
export interface ValidationEndEvent extends EndEvent {
  readonly event: 'validation:end';
  /** Rows that were checked. */
  readonly rows: number;
  readonly invalidRows: number;
}

/** All cells of a wave are done; a schedule without waves has none. */
export interface WaveEndEvent extends OutcomeEvent {
  readonly event: 'wave:end';
  readonly cells: number;
  readonly rows: number;
}

/** Which cell of the grid, and which of its turns. */
export interface CellPlace {
  /** Number of this turn of the cell, from 1, unique in the process. */
  readonly cell: number;
  readonly row: number;
  readonly col: number;
}

/** A worker begins a cell. */
export interface CellStartEvent extends EventBase, CellPlace {
  readonly event: 'cell:start';
  readonly rows: number;
}

/** A worker is done with a cell. */
export interface CellEndEvent extends OutcomeEvent, CellPlace {
  readonly event: 'cell:end';
  /** Rows that were done, also by a cell that failed. */
  readonly rows: number;
}

/** A transaction ended, with all its tries. */
export interface TransactionEndEvent extends OutcomeEvent, Partial<CellPlace> {
  readonly event: 'transaction:end';
  /** Tries after the first. */
  readonly retries: number;
}

/** A sink wrote a batch; the duration includes packing and the transaction. */
export interface SinkWriteEvent extends EndEvent, Partial<CellPlace> {
  readonly event: 'sink:write';
  /** Class of the sink. */
  readonly sink: string;
  /** Rows of the batch that were written: none that was set aside. */
  readonly rows: number;
}

/** The events of each channel. */
export interface EventsByKind {
  readonly task: TaskStartEvent | TaskEndEvent;
  readonly source: SourceReadEvent;
  readonly validation: ValidationEndEvent;
  readonly wave: WaveEndEvent;
  readonly cell: CellStartEvent | CellEndEvent;
  readonly transaction: TransactionEndEvent;
  readonly sink: SinkWriteEvent;
}

/** Any event. */
export type LoadEvent = EventsByKind[EventKind];

/** The channels' names by kind of event, for `node:diagnostics_channel`. */
export const EVENT_CHANNELS = Object.freeze({
  task: 'graphweft:task',
  source: 'graphweft:source',
  validation: 'graphweft:validation',
  wave: 'graphweft:wave',
  cell: 'graphweft:cell',
  transaction: 'graphweft:transaction',
  sink: 'graphweft:sink',
}) satisfies Readonly<Record<EventKind, `graphweft:${EventKind}`>>;

// Kept here, and not asked for by name each time: a lookup costs more than the comparison that it would serve.
const CHANNELS = Object.fromEntries(
  EVENT_KINDS.map((kind) => [kind, channel(EVENT_CHANNELS[kind])]),
) as Readonly<Record<EventKind, Channel>>;

/** What a listener wants to hear of. It is called synchronously, so it must be quick, and it must not throw. */
export type EventListeners = { readonly [K in EventKind]?: (event: EventsByKind[K]) => void };

/**
 * Listens to events, and gives the function that ends it.
 *
 * @example
 * ```ts
 * const stop = subscribeToEvents({
 *   cell: (event) => {
 *     if (event.event === 'cell:end') console.log(event.row, event.col, event.rows, event.durationMs);
 *   },
 * });
 * stop();
 * ```
 */
export function subscribeToEvents(listeners: EventListeners): () => void {
  const all = EVENT_KINDS.flatMap((kind) => {
    const listener = listeners[kind];
    return listener ? [[kind, (message: unknown) => listener(message as never)] as const] : [];
  });
  for (const [kind, hear] of all) CHANNELS[kind].subscribe(hear);
  return () => {
    for (const [kind, hear] of all) CHANNELS[kind].unsubscribe(hear);
  };
}

/** Whether somebody listens. @internal */
export function isHeard(kind: EventKind): boolean {
  return CHANNELS[kind].hasSubscribers;
}

/** Gives the time for {@link endEvent} when somebody listens, else undefined. @internal */
export function beginEvent(kind: EventKind): number | undefined {
  return CHANNELS[kind].hasSubscribers ? performance.now() : undefined;
}

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** Publishes what the function gives, if somebody listens. @internal */
export function publishEvent<K extends EventKind>(
  kind: K,
  build: () => Without<EventsByKind[K], 'timeMs'>,
): void {
  if (!CHANNELS[kind].hasSubscribers) return;
  CHANNELS[kind].publish({ timeMs: performance.timeOrigin + performance.now(), ...build() });
}

/** Publishes the end of what {@link beginEvent} began, unless nobody listened then. @internal */
export function endEvent<K extends EventKind>(
  kind: K,
  begun: number | undefined,
  build: () => Without<Extract<EventsByKind[K], EndEvent>, 'timeMs' | 'durationMs'>,
): void {
  if (begun === undefined) return;
  const now = performance.now();
  CHANNELS[kind].publish({
    timeMs: performance.timeOrigin + now,
    durationMs: now - begun,
    ...build(),
  });
}

/** Gives the outcome fields of an error, or of a success where there is none. @internal */
export function outcomeOf(error: unknown): Pick<OutcomeEvent, 'isSuccess' | 'errorCode'> {
  if (error === undefined) return { isSuccess: true };
  const own =
    error instanceof GraphweftError ? error.code : error instanceof Error ? error.name : typeof error;
  return { isSuccess: false, errorCode: own };
}

/** Names the task of an event. @internal */
export function taskFields(
  task: { readonly name: string; readonly uuid: string } | undefined,
): Pick<EventBase, 'task' | 'taskUuid'> {
  return task ? { task: task.name, taskUuid: task.uuid } : {};
}

/** What a link deep below, such as a transaction, knows of where it runs. */
type EventScope = Pick<EventBase, 'task' | 'taskUuid'> & Partial<CellPlace>;

const SCOPE = new AsyncLocalStorage<EventScope>();

/** Runs something so that transactions and sinks in it know task and cell. @internal */
export function withScope<R>(scope: EventScope, work: () => R): R {
  return SCOPE.run({ ...SCOPE.getStore(), ...scope }, work);
}

/** Gives the task and the cell that surround the caller, as far as somebody listened when they began. @internal */
export function currentScope(): EventScope {
  return SCOPE.getStore() ?? {};
}

/** What an event says of the link that it comes from. */
export interface EventLink {
  readonly task?: { readonly name: string; readonly uuid: string } | undefined;
  readonly constructor: { readonly name: string };
}

/** Publishes that a sink wrote a batch, which {@link beginEvent} began. @internal */
export function endSinkWrite(sink: EventLink, begun: number | undefined, rows: number): void {
  endEvent('sink', begun, () => ({
    event: 'sink:write',
    ...currentScope(),
    ...taskFields(sink.task),
    sink: sink.constructor.name,
    rows,
  }));
}

let cells = 0;

/** Numbers a turn of a cell. @internal */
export function nextCell(): number {
  return ++cells;
}

/** Publishes a `source:read` for each batch; gives the batches themselves where nobody listens. @internal */
export function heardReads<T extends { readonly batchSize: number }>(
  source: EventLink,
  batches: AsyncGenerator<T>,
): AsyncGenerator<T> {
  return isHeard('source') ? publishReads() : batches;

  async function* publishReads(): AsyncGenerator<T> {
    try {
      for (;;) {
        const begun = beginEvent('source');
        const { done, value } = await batches.next();
        if (done) return;
        endEvent('source', begun, () => ({
          event: 'source:read',
          ...taskFields(source.task),
          source: source.constructor.name,
          rows: value.batchSize,
        }));
        yield value;
      }
    } finally {
      await batches.return(undefined);
    }
  }
}
