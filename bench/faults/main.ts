/**
 * Loads that are killed, cut off, lied to and fed with bad rows: the graph must be exactly the source.
 *
 *     npm run faults [-- client | server | proxy | bad-rows | ledger | soak] [--times N] [--rows N] [--seed N] [--minutes N] [--batch-size N]
 */
import { Argument, Command } from 'commander';
import { runProgram } from 'graphweft/cli';
import { mulberry32 } from '../../test/support/ratings.ts';
import { withServer } from '../support/bench-server.ts';
import type { Arena } from './arena.ts';
import { loadBadRows } from './bad-rows.ts';
import { killClient, killServer, lieToClient, repeat } from './killed.ts';
import { measureLedger } from './ledger.ts';
import { soak } from './soak.ts';

interface Flags {
  readonly times?: string;
  readonly rows?: string;
  readonly seed: string;
  readonly minutes: string;
  readonly batchSize: string;
}

const SCENARIOS: Readonly<Record<string, (arena: Arena, flags: Flags) => Promise<boolean>>> = {
  client: (arena, flags) => repeat('client', arena, numbers(flags, 100, 200_000), killClient),
  server: (arena, flags) => repeat('server', arena, numbers(flags, 20, 200_000), killServer),
  proxy: (arena, flags) => repeat('proxy', arena, numbers(flags, 20, 200_000), lieToClient),
  'bad-rows': (arena, flags) => loadBadRows(arena, numbers(flags, 3, 1_000_000)),
  ledger: (arena, flags) =>
    measureLedger(arena, { batchSize: Number(flags.batchSize), ...numbers(flags, 6, 3_000_000) }),
  soak: (arena, flags) => soak(arena, { minutes: Number(flags.minutes), ...numbers(flags, 0, 100_000) }),
};
/** Those that a run without a name makes; the others take long, or want a quiet machine. */
const USUAL = ['client', 'server', 'proxy', 'bad-rows'];

const program = new Command('faults')
  .addArgument(
    new Argument('[scenario]', `default: ${USUAL.join(', ')}, one after the other`).choices(
      Object.keys(SCENARIOS),
    ),
  )
  .option('--times <n>', 'loads of the scenario')
  .option('--rows <n>', 'rows of a load')
  .option('--minutes <n>', 'how long to soak', '20')
  .option('--batch-size <n>', 'rows a transaction, at most, where the ledger is measured', '5000')
  .option('--seed <n>', 'for the moments of the faults', '20261125')
  .action(bench);

await runProgram(program);

async function bench(scenario: string | undefined, flags: Flags): Promise<void> {
  const seed = Number(flags.seed);
  await withServer(async ({ context, server }) => {
    for (const name of scenario === undefined ? USUAL : [scenario]) {
      const arena = { context, server, dataDir: server.dataDir, random: mulberry32(seed), seed };
      if (!(await SCENARIOS[name]!(arena, flags))) process.exitCode = 1;
    }
  });
}

function numbers({ times, rows }: Flags, defaultTimes: number, defaultRows: number) {
  return { times: Number(times ?? defaultTimes), rows: Number(rows ?? defaultRows) };
}
