import { existsSync, renameSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { GraphweftError } from '../core/errors.ts';
import { refuseUnknownKeys, stringOption } from '../core/options.ts';
import { mergeStatistics, type Statistics } from '../core/statistics.ts';
import { Task } from '../core/task.ts';
import { TaskReturn } from '../core/task-return.ts';
import type { Neo4jContext } from '../neo4j/connection.ts';
import { forget } from '../neo4j/run-ledger.ts';
import { RejectedRows } from '../sinks/rejected-rows.ts';
import { fingerprintFile } from '../sources/file-fingerprint.ts';
import type { LineOptions } from '../sources/mended-lines.ts';
import { rejectedLines } from '../sources/rejected-lines.ts';
import { RejectedRowsSource, type RejectedRowsSourceOptions } from '../sources/rejected-rows-source.ts';
import { type DescribedLoad, readDescriptions, withoutPrograms } from './load-description.ts';
import { SEQUENTIAL_WRITING, type SourceKind } from './load-kinds.ts';
import { type AnyRow, LOAD_OPTION_NAMES, type LoadOptions } from './load-options.ts';
import { digest } from './load-run.ts';
import { LoadTask } from './load-task.ts';

/**
 * What a {@link RejectedRowsRetryTask} is told.
 * @typeParam Out What the schema gives out.
 */
export interface RejectedRowsRetryTaskOptions<Out = AnyRow>
  extends Omit<LoadOptions<Out>, 'rejectedFile' | 'resume' | 'fresh'> {
  /** The file of rejected rows, mended or not. */
  readonly file: string;
}

interface RetryLoadOptions extends LoadOptions, Pick<RejectedRowsSourceOptions, 'load' | 'lineOptions'> {
  readonly file: string;
}

const REJECTED: SourceKind<RetryLoadOptions> = {
  optionNames: ['file', 'load', 'lineOptions'],
  nameOf: ({ file }) => file,
  open: (context, task, { file, load, lineOptions }, carryOver) =>
    new RejectedRowsSource(context, { file, load, lineOptions, task, carryOver }),
};

class RetryLoad extends LoadTask<RetryLoadOptions> {
  constructor(context: Neo4jContext, options: RetryLoadOptions, described: DescribedLoad | undefined) {
    super(context, options, REJECTED, SEQUENTIAL_WRITING, described);
  }
}

/**
 * Loads rejected rows again, after the rows or the database were mended: with the options of the load that rejected them,
 * or without any as the descriptions beside the file have them, one load after the other. What fails again is in the file
 * afterwards, and nothing else. Each row is loaded once, also when the retry itself is killed and started again.
 *
 * @throws {@link ConfigError} from the constructor, for an option that is wrong or unknown; {@link GraphweftError}
 * `GW_REJECTED_RETRY` where only its program can load the rows.
 * @example
 * ```ts
 * const retry = new RejectedRowsRetryTask(context, { file: 'rejected/trips.csv.jsonl' });
 * const { success, summary } = await retry.execute();
 * ```
 */
export class RejectedRowsRetryTask<Out = AnyRow> extends Task<Neo4jContext> {
  readonly options: RejectedRowsRetryTaskOptions<Out>;
  /** Default: the load's own options are given. */
  readonly #described: readonly DescribedLoad[] | undefined;
  /** By load: how its lines were read. */
  readonly #lines: ReadonlyMap<string | undefined, LineOptions>;

  constructor(context: Neo4jContext, options: RejectedRowsRetryTaskOptions<Out>) {
    const withheld = ['rejectedFile', 'resume', 'fresh'];
    refuseUnknownKeys(new.target.name, options, [
      'file',
      ...LOAD_OPTION_NAMES.filter((name) => !withheld.includes(name)),
    ]);
    super(context, options.name);
    const file = resolve(stringOption('file', options.file));
    const isOwn = options.query !== undefined || options.mapping !== undefined;
    // Beside a file that a killed retry has set aside the descriptions are still there.
    if (!isOwn && ![file, RejectedRows.descriptionPath(file)].some(existsSync)) throw missing(file);
    const all = isOwn && !existsSync(RejectedRows.descriptionPath(file)) ? [] : readDescriptions(file);
    this.#described = isOwn ? undefined : withoutPrograms(all);
    this.#lines = new Map(all.map(({ id, lines }) => [id, lines]));
    this.options = Object.freeze({ ...options, file });
    this.#load(this.#described?.[0], file, 'retry'); // says which option is wrong before a file is moved
  }

  override async runInternal(): Promise<TaskReturn> {
    const described = this.#described;
    if (!described) return this.#retry(undefined);
    const left = new Set(described);
    let summary: Statistics = {};
    for (let load = await this.#next(left); load; load = await this.#next(left)) {
      left.delete(load);
      const done = await this.#retry(load);
      // What the last one keeps is all that is kept.
      const { rejected_rows_kept: _, ...counted } = summary;
      summary = mergeStatistics(counted, done.summary);
      if (!done.success) return new TaskReturn({ success: false, summary, error: done.error });
    }
    if (left.size === described.length) throw missing(this.options.file);
    return new TaskReturn({ summary });
  }

  /** Gives the load whose retry was killed, else the next one whose rows are in the file. */
  async #next(left: ReadonlySet<DescribedLoad>): Promise<DescribedLoad | undefined> {
    const { file } = this.options;
    const loads = [...left];
    const begun = loads.find(({ id }) => existsSync(asideOf(file, id)));
    if (begun || !existsSync(file)) return begun;
    for await (const [, { load }] of rejectedLines(file)) {
      const own = loads.find(({ id }) => load === undefined || load === id);
      if (own) return own;
    }
    return undefined;
  }

  async #retry(described: DescribedLoad | undefined): Promise<TaskReturn> {
    const { file } = this.options;
    const aside = asideOf(file, described?.id);
    // What is aside already is of a retry that was killed: it goes on, and what failed again since is in the file.
    if (!existsSync(aside)) {
      if (!existsSync(file)) throw missing(file);
      renameSync(file, aside);
    }
    const run = `retry ${digest([await fingerprintFile(aside), described?.id ?? ''])}`;
    const { success, summary, error } = await this.#load(described, aside, run).execute({
      signal: this.signal,
      parent: this,
    });
    if (success) {
      rmSync(aside);
      await forget(this.context.neo4j, run);
    }
    return new TaskReturn({ success, summary, error });
  }

  #load(described: DescribedLoad | undefined, from: string, run: string): RetryLoad {
    const { file, ...own } = this.options;
    const options = { ...described?.options, ...own };
    const retry = {
      ...(options as LoadOptions),
      ...(described && { load: described.id }),
      file: from,
      lineOptions: (load: string | undefined) => this.#lines.get(load),
      rejectedFile: file,
      resume: run,
    };
    return new RetryLoad(this.context, retry, described);
  }
}

/** Where the rows are while those of a load are loaded again. */
function asideOf(file: string, load?: string): string {
  return load === undefined ? `${file}.retrying` : `${file}.${load}.retrying`;
}

function missing(file: string): GraphweftError {
  return new GraphweftError('GW_SOURCE_MISSING', `There is no file ${file}.`, { details: { file } });
}
