import { totalmem } from 'node:os';

const MB = 1024 * 1024;
/** The server shares the machine with the load: a quarter of the memory for its heap, an eighth for its pages. */
const HEAP_SHARE = 4;
const MAX_HEAP_MB = 4_096;
const PAGES_SHARE = 8;
const MAX_PAGES_MB = 2_048;
/** Below these a server of its size does not start, or only collects garbage. */
export const MIN_HEAP_MB = 256;
export const MIN_PAGE_CACHE_MB = 64;

/** Gives the heap for a server in MB (2^20 bytes). */
export function defaultHeapMb(memoryBytes = usableMemoryBytes()): number {
  return share(memoryBytes, HEAP_SHARE, { min: MIN_HEAP_MB, max: MAX_HEAP_MB });
}

/** Gives the page cache for a server in MB (2^20 bytes). */
export function defaultPageCacheMb(memoryBytes = usableMemoryBytes()): number {
  return share(memoryBytes, PAGES_SHARE, { min: MIN_PAGE_CACHE_MB, max: MAX_PAGES_MB });
}

/** A container may have less than its machine; a server that plans with more is killed. */
function usableMemoryBytes(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}

function share(
  bytes: number,
  parts: number,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  return Math.max(min, Math.min(max, Math.floor(bytes / MB / parts)));
}

/** Gives the text of neo4j.conf for a server that only this machine can reach. */
export function serverConfig({
  boltPort,
  pageCacheMb,
}: {
  readonly boltPort: number;
  readonly pageCacheMb: number;
}): string {
  const settings = {
    'server.default_listen_address': '127.0.0.1',
    'server.bolt.listen_address': `127.0.0.1:${boltPort}`,
    'server.bolt.advertised_address': `127.0.0.1:${boltPort}`,
    'server.http.enabled': 'false',
    'server.https.enabled': 'false',
    'server.memory.pagecache.size': `${pageCacheMb}m`,
    // The logs of transactions are for backups and replicas, and an embedded server has neither.
    'db.tx_log.rotation.retention_policy': '1 files',
    // Each database reserves one such file from the start: with the default of 256 MB an empty server takes 515 MB.
    'db.tx_log.rotation.size': '64m',
    'dbms.usage_report.enabled': 'false',
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
