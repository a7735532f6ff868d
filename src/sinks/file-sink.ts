import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { GraphweftError } from '../core/errors.ts';

/** A file that comes into being whole: written under another name and renamed at its end, or not at all. */
export class PendingFile {
  readonly path: string;
  readonly temporaryPath: string;

  constructor(path: string) {
    this.path = resolve(path);
    this.temporaryPath = `${this.path}.${process.pid}.part`;
  }

  get exists(): boolean {
    return existsSync(this.path);
  }

  /** @throws {@link GraphweftError} `GW_SINK_FILE` */
  prepare(): Promise<void> {
    return this.guard(async () => void (await mkdir(dirname(this.path), { recursive: true })));
  }

  /** Puts the file in its place. @throws {@link GraphweftError} `GW_SINK_FILE` */
  keep(): Promise<void> {
    return this.guard(() => rename(this.temporaryPath, this.path));
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
