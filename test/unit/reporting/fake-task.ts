import type { ReportedTask } from '../../../src/core/reporter.ts';

let count = 0;

/** Makes what a reporter sees of a task. */
export function fakeTask(name: string, tasks?: readonly ReportedTask[], parent?: ReportedTask): ReportedTask {
  const depth = parent ? parent.depth + 1 : 0;
  return {
    uuid: `uuid-${count++}`,
    name,
    depth,
    parent,
    ...(tasks && { tasks }),
    startedAt: undefined,
    endedAt: undefined,
    success: undefined,
    summary: {},
  };
}
