/** Prints what a load came to as one line of JSON: the same figures for every program of graphweft's side. */
export function printOutcome({
  success,
  error,
  seconds,
  statistics = {},
  retries = statistics.retries ?? 0,
}) {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const outcome = {
    success,
    error: error?.message,
    seconds,
    retries,
    statistics,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakMb: (maxRSS * 1024) / 1e6,
  };
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}

/** Runs a task, timed. */
export async function timed(task) {
  const started = performance.now();
  const { success, error, summary } = await task.execute();
  return { success, error, statistics: summary, seconds: (performance.now() - started) / 1000 };
}
