/** Loads that are killed, or whose connections are, each gone on with until it is done. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbeddedServer } from 'graphweft';
import { type FaultProxy, startFaultProxy } from '../../test/support/fault-proxy.ts';
import { whole } from '../support/figures.ts';
import { say } from '../support/progress.ts';
import { type Arena, envOf, type Size } from './arena.ts';
import { type LoadJob, type LoadOutcome, startLoad } from './killed-load.ts';
import { differences, KINDS, prepareGraph, tripsFile } from './trips.ts';

const SCHEDULES = ['claims', 'waves', 'sequential'] as const;
/** A load that cannot be brought to its end in so many attempts is stuck. */
const MAX_ATTEMPTS = 30;

/** One load from the beginning to its end, and what it went through. */
interface Trial {
  readonly kills: number;
  readonly attempts: number;
  readonly problems: readonly string[];
  readonly summary: Readonly<Record<string, number>>;
}

type Scenario = (arena: Arena, job: LoadJob) => Promise<Omit<Trial, 'problems'>>;

/** Repeats a scenario over kinds of writes, schedules and batch sizes; gives whether every load came out exact. */
export async function repeat(
  name: string,
  arena: Arena,
  { times, rows }: Size,
  run: Scenario,
): Promise<boolean> {
  const trials: Trial[] = [];
  for (let i = 0; i < times; i++) {
    const kind = KINDS[i % KINDS.length]!;
    const schedule = SCHEDULES[Math.floor(i / KINDS.length) % SCHEDULES.length]!;
    const trips = tripsFile(kind, rows, arena.seed);
    const rejectedFile = join(arena.dataDir, `rejected-${name}-${i}.jsonl`);
    const batchSize = [500, 2_000, 5_000][i % 3]!;
    await prepareGraph(arena.context);
    const job = { file: trips.file, kind, schedule, run: `${name}-${i}`, rejectedFile, batchSize };
    const trial = await run(arena, job);
    const problems = await differences(arena.context, trips, rejectedFile);
    trials.push({ ...trial, problems });
    const said = problems.length === 0 ? 'exact' : `NOT EXACT: ${problems.join('; ')}`;
    say(
      `${name} ${i + 1}/${times} ${kind}, ${schedule}, batches of ${batchSize}: ${trial.kills} faults, ` +
        `${trial.attempts} attempts, ${trial.summary.commits_recovered ?? 0} commits settled: ${said}`,
    );
  }
  const sum = (pick: (trial: Trial) => number) => trials.reduce((total, trial) => total + pick(trial), 0);
  const exact = trials.filter(({ problems }) => problems.length === 0).length;
  process.stdout.write(
    `${name}: ${exact} of ${times} loads exact, ${sum(({ kills }) => kills)} faults, ` +
      `${sum(({ attempts }) => attempts)} attempts, ${sum(({ summary }) => summary.commits_recovered ?? 0)} commits ` +
      `without an answer settled by the ledger, ${sum(({ summary }) => summary.retries ?? 0)} retries; ` +
      `${whole(rows)} rows a load, seed ${arena.seed}\n`,
  );
  return exact === times;
}

/** Kills the loading process with SIGKILL at a random moment, perhaps again while it goes on, until it is done. */
export async function killClient({ random, server }: Arena, job: LoadJob): Promise<Omit<Trial, 'problems'>> {
  let kills = 0;
  for (let attempts = 1; attempts <= MAX_ATTEMPTS; attempts++) {
    const load = startLoad(job, envOf(server.uri, server));
    // The first attempt is always meant to be killed; each later one half as often as the one before.
    const isMeant = random() < 0.5 ** (attempts - 1);
    const killed = isMeant && sleep(300 + random() * 3_000).then(() => load.process.kill('SIGKILL'));
    const outcome = await load.ended;
    if (killed && !outcome && (await killed)) kills++;
    if (outcome) {
      // It was faster than the knife, and has to be killed elsewhere.
      assertDone(outcome);
      return { kills, attempts, summary: outcome.summary };
    }
  }
  throw new Error(`${job.run} was not done in ${MAX_ATTEMPTS} attempts`);
}

/** Kills the server with SIGKILL in the middle of a load and starts it again; the load goes on by itself. */
export async function killServer(
  { random, server, dataDir, context }: Arena,
  job: LoadJob,
): Promise<Omit<Trial, 'problems'>> {
  let kills = 0;
  const { boltPort } = server;
  for (let attempts = 1; attempts <= MAX_ATTEMPTS; attempts++) {
    const load = startLoad(job, envOf(server.uri, server));
    if (attempts === 1) {
      await sleep(700 + random() * 2_500);
      const { pid } = await startEmbeddedServer({ dataDir }); // finds it running
      process.kill(pid, 'SIGKILL');
      kills++;
      await sleep(500);
      await startEmbeddedServer({ dataDir, boltPort });
      await context.close(); // its connections are gone; it opens again when it is next used
    }
    const outcome = await load.ended;
    if (outcome?.success) return { kills, attempts, summary: outcome.summary };
    say(`  attempt ${attempts} ended: ${outcome?.error}`);
  }
  throw new Error(`${job.run} was not done in ${MAX_ATTEMPTS} attempts`);
}

/** Loads through a proxy that delays, cuts, and swallows the answers to commits. */
export async function lieToClient({ random, server }: Arena, job: LoadJob): Promise<Omit<Trial, 'problems'>> {
  await using proxy: FaultProxy = await startFaultProxy({
    port: server.boltPort,
    faultOf(message) {
      const dice = random();
      if (message === 'commit') {
        if (dice < 0.06) return 'swallow-commit';
        return dice < 0.1 ? 'cut-before-commit' : 'none';
      }
      if (dice < 0.002) return 'cut';
      return dice < 0.05 ? 'delay' : 'none';
    },
  });
  const uri = `bolt://127.0.0.1:${proxy.port}`;
  for (let attempts = 1; attempts <= MAX_ATTEMPTS; attempts++) {
    const outcome = await startLoad(job, envOf(uri, server)).ended;
    const { cut, 'cut-before-commit': before, 'swallow-commit': swallowed } = proxy.counts;
    if (outcome?.success) return { kills: cut + before + swallowed, attempts, summary: outcome.summary };
    say(`  attempt ${attempts} ended: ${outcome?.error}`);
  }
  throw new Error(`${job.run} was not done in ${MAX_ATTEMPTS} attempts`);
}

function assertDone({ success, error }: LoadOutcome): void {
  if (!success) throw new Error(`A load failed that was not killed: ${error}`);
}
