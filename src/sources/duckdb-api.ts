import type * as api from '@duckdb/node-api';
import { loadPackage } from '../core/load-package.ts';

/** DuckDB's package, which is CommonJS; types are imported from the package itself. */
export const duckdb = loadPackage('@duckdb/node-api') as typeof api;
