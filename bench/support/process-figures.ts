/** What the kernel says of a process. Linux only, as the benches are. */
import { readFileSync } from 'node:fs';

const TICKS_A_SECOND = 100;

/** User and system time of a process so far. */
export function cpuSecondsOf(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

/** User and system time of all children of this process that have ended, theirs included. */
export function endedChildrenCpuSeconds(): number {
  const fields = statFields(process.pid);
  return (Number(fields[13]) + Number(fields[14])) / TICKS_A_SECOND;
}

/** Resident memory now and at its peak, in MB (10^6 bytes); undefined when the process is gone. */
export function memoryOf(pid: number): { readonly nowMb: number; readonly peakMb: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return { nowMb: megabytes(status, 'VmRSS'), peakMb: megabytes(status, 'VmHWM') };
  } catch {
    return undefined; // it ended between two looks
  }
}

function megabytes(status: string, field: string): number {
  return (Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024) / 1e6;
}

function statFields(pid: number): readonly string[] {
  // The name, field 2, may hold blanks; what follows it begins with field 3.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
}
