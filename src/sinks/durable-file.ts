/** Files of lines that survive a crash: what was appended is on the disk, and a line that was cut off is found. */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Appends, and returns when it is on the disk; the folder comes into being with the file. */
export function appendDurably(path: string, text: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const isNew = !existsSync(path);
  const file = openSync(path, 'a');
  try {
    writeFileSync(file, text);
    if (fstatSync(file).isFile()) fdatasyncSync(file); // a device or a pipe keeps nothing
  } finally {
    closeSync(file);
  }
  if (isNew) syncFolder(folder);
}

/** Makes sure that a new file's name is on the disk too. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return; // folders cannot be opened there, and names need no such care
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/**
 * Ends the last line, or removes it where a crash cut it off.
 * @param isWhole Tells a line that only lacks its end.
 */
export function mendLastLine(path: string, isWhole: (line: string) => boolean): void {
  const size = statSync(path).size;
  const file = openSync(path, 'r+');
  try {
    let tail = Buffer.alloc(0);
    for (let from = size; from > 0 && !tail.includes(NEWLINE); ) {
      const length = Math.min(TAIL_BYTES, from);
      from -= length;
      const piece = Buffer.alloc(length);
      readSync(file, piece, 0, length, from);
      tail = Buffer.concat([piece, tail]);
    }
    const last = tail.subarray(tail.lastIndexOf(NEWLINE) + 1);
    if (last.length === 0) return;
    if (isWhole(last.toString())) writeSync(file, '\n', size);
    else ftruncateSync(file, size - last.length);
  } finally {
    closeSync(file);
  }
}

const NEWLINE = 0x0a;
const TAIL_BYTES = 65_536;
