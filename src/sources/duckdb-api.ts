import type { TextDecoder as Decoder } from 'node:util';
import type * as api from '@duckdb/node-api';
import type * as bindings from '@duckdb/node-bindings';
import { loadPackage } from '../core/load-package.ts';

/** DuckDB's package, which is CommonJS; types are imported from the package itself. */
export const duckdb = loadPackage('@duckdb/node-api') as typeof api;
/** What it is built on; of the same version. */
export const duckdbBindings = loadPackage('@duckdb/node-bindings') as typeof bindings;

/** Its own decoder drops a byte order mark from a text's beginning, where it is a character like others. */
const texts = loadPackage('@duckdb/node-api/lib/vectors/dataAccessors.js') as { textDecoder: Decoder };
texts.textDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
