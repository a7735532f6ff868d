import { fileURLToPath } from 'node:url';

/** Gives the path of a file of the package vega-datasets. */
export function vegaDataset(name: string): string {
  const entry = import.meta.resolve('vega-datasets');
  const folder = entry.slice(0, entry.lastIndexOf('/vega-datasets/') + '/vega-datasets/'.length);
  return fileURLToPath(new URL(`data/${name}`, folder));
}
