import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

/** What has to be known of a CSV file before rows are added to it. */
export interface CsvFileShape {
  /** Fields of its first line. */
  readonly columns: readonly string[];
  readonly endsWithLineBreak: boolean;
}

/** Reads through a file, unpacked when its name ends in `.gz`; undefined for one without content. */
export async function csvFileShape(path: string, delimiter: string): Promise<CsvFileShape | undefined> {
  let head = '';
  let columns: readonly string[] | undefined;
  let last = '';
  const look = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of chunks) {
      last = String.fromCharCode(chunk.at(-1)!); // line breaks have one byte
      if (columns) continue;
      head += decoder.decode(chunk, { stream: true });
      columns = firstRecord(head, delimiter);
    }
  };
  const file = createReadStream(path);
  await (path.endsWith('.gz') ? pipeline(file, createGunzip(), look) : pipeline(file, look));
  if (last === '') return undefined;
  return { columns: columns ?? firstRecord(`${head}\n`, delimiter) ?? [], endsWithLineBreak: last === '\n' };
}

/** Gives the fields of the first line, which may have line breaks in quotes; undefined where the line goes on. */
function firstRecord(text: string, delimiter: string): readonly string[] | undefined {
  const fields = [''];
  const add = (character: string) => fields.push(fields.pop() + character);
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === '"') {
      if (!isQuoted && text[i - 1] === '"') add('"'); // the second of two inside a quoted field
      isQuoted = !isQuoted;
    } else if (isQuoted) add(character);
    else if (character === '\n') return fields;
    else if (character === delimiter) fields.push('');
    else if (character !== '\r') add(character);
  }
  return undefined;
}
