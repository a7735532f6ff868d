import type { Contestant } from './contestant.ts';
import { ETL_LIB } from './etl-lib.ts';
import { AUTO, MAPPING, PLAIN_DRIVER, SEQUENTIAL, STATEMENT } from './graphweft.ts';
import { LOAD_CSV } from './load-csv.ts';
import { OFFLINE_IMPORT } from './offline-import.ts';

export const CONTESTANTS: readonly Contestant[] = [
  MAPPING,
  AUTO,
  STATEMENT,
  ETL_LIB,
  LOAD_CSV,
  PLAIN_DRIVER,
  SEQUENTIAL,
  OFFLINE_IMPORT,
];
