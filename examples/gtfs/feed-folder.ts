/** Feeds are published as zip files; what reads them wants a folder. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SourceError } from 'graphweft';
import { openPromise } from 'yauzl';

export interface FeedFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * Gives the folder of a feed. The tables of a zip file are unpacked into a temporary one, which goes when it is disposed
 * of.
 *
 * @throws {@link SourceError} `GW_SOURCE_FORMAT` where the file is no zip file.
 */
export async function feedFolder(path: string): Promise<FeedFolder> {
  // What is not there, is said by what reads the folder.
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) return { path, [Symbol.asyncDispose]: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), 'graphweft-gtfs-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await unpack(path, folder);
  } catch (cause) {
    await remove();
    const message = `${path} is neither a folder nor a zip file: ${(cause as Error).message}`;
    throw new SourceError('GW_SOURCE_FORMAT', message, { cause, details: { file: path } });
  }
  return { path: folder, [Symbol.asyncDispose]: remove };
}

/** Unpacks the tables, also of a zip file that has them in a folder; names are cut so that none leads elsewhere. */
async function unpack(path: string, folder: string): Promise<void> {
  const zip = await openPromise(path);
  for await (const entry of zip.eachEntry()) {
    if (!entry.fileName.endsWith('.txt') || entry.fileName.startsWith('__MACOSX/')) continue;
    const table = join(folder, basename(entry.fileName));
    await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(table));
  }
}
