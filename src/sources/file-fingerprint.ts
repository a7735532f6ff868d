import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';

/** What tells whether a file is the same that it was, without reading all of it. */
export interface FileFingerprint {
  readonly path: string;
  readonly bytes: number;
  /** ISO 8601, in UTC. */
  readonly modifiedAt: string;
  /** SHA-256 of its first and its last bytes, hexadecimal, shortened. */
  readonly hash: string;
}

/** Bytes of the head, and of the tail, that are looked at. */
const SAMPLE_BYTES = 65_536;
const HASH_DIGITS = 16;

/** @throws An error of the file system when the file cannot be read. */
export async function fingerprintFile(path: string): Promise<FileFingerprint> {
  const file = await open(path, 'r');
  try {
    const { size, mtime } = await file.stat();
    const hash = createHash('sha256');
    for (const from of [0, Math.max(0, size - SAMPLE_BYTES)]) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, from);
      hash.update(buffer.subarray(0, bytesRead));
    }
    return {
      path: resolve(path),
      bytes: size,
      modifiedAt: mtime.toISOString(),
      hash: hash.digest('hex').slice(0, HASH_DIGITS),
    };
  } finally {
    await file.close();
  }
}
