import { fileURLToPath } from 'node:url';
import { lastJson, runChild } from '../support/child.ts';
import type { Workload } from '../workloads/workload.ts';
import type { Arena, Outcome } from './contestant.ts';

/** Runs a program of this folder that gets its job as JSON and prints its outcome as JSON. */
export async function runLoad(
  program: string,
  script: string,
  { env, signal, timeoutMs }: Arena,
  work: Workload,
  settings: object,
): Promise<Outcome> {
  const { name, file, rows, query, start, end, monopartite } = work;
  const job = { name, file, rows, query, start, end, monopartite, ...settings };
  const path = fileURLToPath(new URL(script, import.meta.url));
  return lastJson(await runChild(program, [path, JSON.stringify(job)], { env, signal, timeoutMs }));
}
