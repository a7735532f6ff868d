/** Loads under faults one after the other in one process, whose memory, handles and sessions must not grow. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AbortedError, ETLContext, SILENT_REPORTER } from 'graphweft';
import { type Fault, startFaultProxy } from '../../test/support/fault-proxy.ts';
import { median, whole } from '../support/figures.ts';
import { say } from '../support/progress.ts';
import { type Arena, envOf } from './arena.ts';
import { differences, KINDS, prepareGraph, tripsFile } from './trips.ts';
import { tripsTask } from './trips-task.ts';

interface Sample {
  readonly rssMb: number;
  readonly handles: number;
  /** Connections that the server has. */
  readonly sessions: number;
}

/** The last third may be larger than the first by this factor: noise of the collector, no leak over many loads. */
const MAX_GROWTH = 1.25;
/** Of loads that are stopped in the middle and gone on with. */
const STOPPED = 0.3;
const BATCH_ROWS = 2_000;

export async function soak(
  arena: Arena,
  { minutes, rows }: { readonly minutes: number; readonly rows: number },
): Promise<boolean> {
  const { random, server, dataDir } = arena;
  await using proxy = await startFaultProxy({
    port: server.boltPort,
    faultOf: (message) => diceFault(message, random),
  });
  const env = envOf(`bolt://127.0.0.1:${proxy.port}`, server);
  const samples: Sample[] = [];
  let loads = 0;
  let attempts = 0;
  let inexact = 0;
  const until = Date.now() + minutes * 60_000;
  // One context for all, as a service would have it.
  await using context = new ETLContext({ env, reporter: SILENT_REPORTER });
  while (Date.now() < until) {
    const trips = tripsFile(KINDS[loads % KINDS.length]!, rows, arena.seed);
    const rejectedFile = join(dataDir, `soak-${loads}.jsonl`);
    await prepareGraph(arena.context);
    for (let isDone = false; !isDone; attempts++) {
      const stop = new AbortController();
      const task = tripsTask(context, {
        ...trips,
        schedule: 'claims',
        batchSize: BATCH_ROWS,
        run: `soak-${loads}`,
        rejectedFile,
      });
      if (random() < STOPPED)
        setTimeout(
          () => stop.abort(new AbortedError('GW_ABORTED', 'stopped')),
          300 + 2_000 * random(),
        ).unref();
      isDone = (await task.execute({ signal: stop.signal })).success;
    }
    const problems = await differences(arena.context, trips, rejectedFile);
    if (problems.length > 0) inexact++;
    loads++;
    samples.push(await sample(arena));
    const { rssMb, handles, sessions } = samples.at(-1)!;
    say(
      `load ${loads}: ${problems.join('; ') || 'exact'}, ${rssMb.toFixed(0)} MB, ${handles} handles, ${sessions} sessions`,
    );
  }
  const third = Math.floor(samples.length / 3);
  const growth = (pick: (sample: Sample) => number) =>
    median(samples.slice(-third).map(pick)) / median(samples.slice(0, third).map(pick));
  const grown = {
    memory: growth(({ rssMb }) => rssMb),
    handles: growth(({ handles }) => handles),
    sessions: growth(({ sessions }) => sessions),
  };
  const faults = proxy.counts.cut + proxy.counts['cut-before-commit'] + proxy.counts['swallow-commit'];
  const curve = (pick: (sample: Sample) => number) =>
    Array.from({ length: 10 }, (_, i) =>
      pick(samples[Math.floor((i * samples.length) / 10)]!).toFixed(0),
    ).join(' ');
  process.stdout.write(
    `soak: ${minutes} minutes, ${loads} loads of ${whole(rows)} rows in ${attempts} attempts under ${faults} ` +
      `faults, ${loads - inexact} exact; last third to first: ` +
      `${Object.entries(grown)
        .map(([name, factor]) => `${name} ${factor.toFixed(2)}`)
        .join(', ')}; ` +
      `MB ${curve(({ rssMb }) => rssMb)}; handles ${curve(({ handles }) => handles)}; ` +
      `sessions ${curve(({ sessions }) => sessions)}; seed ${arena.seed}\n`,
  );
  return inexact === 0 && Object.values(grown).every((factor) => factor <= MAX_GROWTH);
}

function diceFault(message: 'commit' | 'other', random: () => number): Fault {
  const dice = random();
  if (message === 'commit')
    return dice < 0.03 ? 'swallow-commit' : dice < 0.05 ? 'cut-before-commit' : 'none';
  return dice < 0.001 ? 'cut' : dice < 0.02 ? 'delay' : 'none';
}

async function sample({ context }: Arena): Promise<Sample> {
  globalThis.gc?.();
  const { rows } = await context.neo4j.query(
    'CALL dbms.listConnections() YIELD connectionId RETURN count(*) AS n',
  );
  return {
    rssMb: process.memoryUsage.rss() / 1e6,
    handles: readdirSync('/proc/self/fd').length,
    sessions: Number(rows[0]?.n),
  };
}
