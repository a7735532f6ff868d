import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface TestFolder {
  readonly path: (name: string) => string;
  /** Writes a file and gives its path. */
  readonly write: (name: string, content: string | Uint8Array) => string;
  readonly remove: () => void;
}

/** Makes a folder; who makes it removes it. */
export function makeFolder(): TestFolder {
  const folder = mkdtempSync(join(tmpdir(), 'graphweft-test-'));
  const path = (name: string) => join(folder, name);
  return {
    path,
    write: (name, content) => {
      writeFileSync(path(name), content);
      return path(name);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Makes a folder for one test; it is removed when the test ends. */
export function useFolder(): TestFolder {
  const folder = makeFolder();
  onTestFinished(folder.remove);
  return folder;
}

/** Reads a JSON-lines file. */
export function readJsonLines(path: string): Record<string, unknown>[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);
}
