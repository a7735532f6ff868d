/** graphweft's own entries, and what else runs on Node. */
import { runLoad } from './child-contestant.ts';
import { byWorkers, type Contestant } from './contestant.ts';

const NODE = process.execPath;
const ALL_WORKERS = [1, 2, 4, 8];
const WORKERS = [2, 4, 8];

export const MAPPING: Contestant = {
  id: 'mapping',
  name: 'graphweft, mapping',
  settings: ({ workers = ALL_WORKERS, batchSizes }) => byWorkers(workers, batchSizes),
  run: (arena, work, settings) => runLoad(NODE, 'graphweft-mapping-load.mjs', arena, work, settings),
};

export const AUTO: Contestant = {
  id: 'auto',
  name: "graphweft, mapping, parallel: 'auto'",
  settings: () => [{}],
  run: (arena, work) => runLoad(NODE, 'graphweft-mapping-load.mjs', arena, work, { isAuto: true }),
};

export const STATEMENT: Contestant = {
  id: 'statement',
  name: 'graphweft, Cypher',
  settings: ({ workers = WORKERS, batchSizes, tableSize }) => byWorkers(workers, batchSizes, { tableSize }),
  run: (arena, work, settings) => runLoad(NODE, 'graphweft-load.mjs', arena, work, settings),
};

export const SEQUENTIAL: Contestant = {
  id: 'sequential',
  name: 'one writer',
  settings: ({ batchSizes }) => batchSizes.map((batchSize) => ({ batchSize })),
  run: (arena, work, settings) =>
    runLoad(NODE, 'graphweft-load.mjs', arena, work, { ...settings, isSequential: true }),
};

export const PLAIN_DRIVER: Contestant = {
  id: 'driver',
  name: 'driver, retries',
  settings: ({ workers = WORKERS, batchSizes }) => byWorkers(workers, batchSizes),
  run: (arena, work, settings) => runLoad(NODE, 'plain-driver-load.mjs', arena, work, settings),
  keepsOrder: ({ workers }) => workers === 1,
};
