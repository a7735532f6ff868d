import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../results', import.meta.url));

/** Keeps what a bench has measured so far, with what it was measured on, in bench/results/<name>.json. */
export function saveResults(name: string, measured: Readonly<Record<string, unknown>>): string {
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, `${name}.json`);
  const machine = {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model,
    memoryMb: Math.round(totalmem() / 1e6),
    node: process.version,
  };
  const text = JSON.stringify({ savedAt: new Date().toISOString(), machine, ...measured }, null, 2);
  writeFileSync(`${file}.new`, `${text}\n`); // renamed into place: a kill leaves the file before
  renameSync(`${file}.new`, file);
  return file;
}
