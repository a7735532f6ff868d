import type * as api from '@duckdb/node-api';
import type * as bindings from '@duckdb/node-bindings';
import { loadPackage } from '../core/load-package.ts';

/** DuckDB's package, which is CommonJS; types are imported from the package itself. */
export const duckdb = loadPackage('@duckdb/node-api') as typeof api;
/** What it is built on; of the same version. */
export const duckdbBindings = loadPackage('@duckdb/node-bindings') as typeof bindings;
