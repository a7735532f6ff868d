import { createReadStream, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { SourceError } from '../core/errors.ts';
import { type RejectedRow, rejectedRowOf } from '../sinks/rejected-rows.ts';

/** Reads a file of rejected rows line by line, each with its number, counted from 0. @throws {@link SourceError} */
export async function* rejectedLines(file: string): AsyncGenerator<[number: number, row: RejectedRow]> {
  // A folder can be opened, and not read.
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) throw unreadable(file, 'it is a folder');
  const stream = createReadStream(file);
  const opened = new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve());
    stream.once('error', (cause) => reject(unreadable(file, cause.message, cause)));
  });
  await opened;
  let number = 0;
  for await (const text of createInterface({ input: stream })) {
    const row = rejectedRowOf(text);
    if (row) yield [number, row];
    else if (text.trim() !== '') {
      throw new SourceError(
        'GW_SOURCE_FORMAT',
        `${file}:${number + 1} is no rejected row; each line is a JSON object with at least \`stage\`, \`code\` and \`message\`.`,
        { details: { file, line: number + 1 } },
      );
    }
    number++;
  }
}

function unreadable(file: string, reason: string, cause?: unknown): SourceError {
  return new SourceError('GW_SOURCE_MISSING', `${file} cannot be read: ${reason}`, {
    cause,
    details: { file },
  });
}
