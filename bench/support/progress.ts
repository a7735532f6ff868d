import { loadavg } from 'node:os';

/** A load average above this says that the machine does something else. */
const BUSY = 0.7;

/** Says on stderr what is being done, with the time of day: a long bench must not look hung. */
export function say(line: string): void {
  process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${line}\n`);
}

export function warnIfBusy(): void {
  const [load = 0] = loadavg();
  if (load > BUSY) say(`the machine is busy (load average ${load.toFixed(2)}): these figures will not count`);
}
