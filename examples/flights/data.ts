import { fileURLToPath } from 'node:url';

/** Gives the path of a file of vega-datasets; its package does not export them, so it is found from its entry. */
export function dataFile(name: string): string {
  const entry = import.meta.resolve('vega-datasets');
  return fileURLToPath(
    new URL(`data/${name}`, entry.slice(0, entry.lastIndexOf('/vega-datasets/') + '/vega-datasets/'.length)),
  );
}
