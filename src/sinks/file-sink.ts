import { existsSync, realpathSync } from 'node:fs';
import { chmod, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { GraphweftError } from '../core/errors.ts';

let count = 0;

/** A file that comes into being whole: written under another name and renamed at its end, or not at all. */
export class PendingFile {
  readonly path: string;
  readonly temporaryPath: string;
  /** Of the file that is replaced, which others may not be allowed to read. */
  #mode: number | undefined;

  constructor(path: string) {
    this.path = existsSync(path) ? realpathSync(path) : resolve(path); // a link stays one
    this.temporaryPath = `${this.path}.${process.pid}-${++count}.part`;
  }

  get exists(): boolean {
    return existsSync(this.path);
  }

  /** @throws {@link GraphweftError} `GW_SINK_FILE` */
  prepare(): Promise<void> {
    return this.guard(async () => {
      await mkdir(dirname(this.path), { recursive: true });
      if (!this.exists) return;
      const found = await stat(this.path);
      if (!found.isFile()) throw new Error('it is there, and no file that could be replaced');
      this.#mode = found.mode;
    });
  }

  /** Puts the file in its place. @throws {@link GraphweftError} `GW_SINK_FILE` */
  keep(): Promise<void> {
    return this.guard(async () => {
      if (this.#mode !== undefined) await chmod(this.temporaryPath, this.#mode);
      // Else a power cut could leave the name, and nothing in the file.
      const file = await open(this.temporaryPath);
      await file.sync().finally(() => file.close());
      await rename(this.temporaryPath, this.path);
    });
  }

  /** Removes what was written so far. */
  discard(): Promise<void> {
    return rm(this.temporaryPath, { force: true });
  }

  /** Runs what writes the file. @throws {@link GraphweftError} `GW_SINK_FILE` with its reason. */
  async guard<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      if (cause instanceof GraphweftError) throw cause;
      const message = `${this.path} cannot be written: ${(cause as Error).message}`;
      throw new GraphweftError('GW_SINK_FILE', message, { cause, details: { file: this.path } });
    }
  }
}
