// Does a load as a program of a user's would: it can be stopped and started again.
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { ETLContext, ParallelCSVLoad2Neo4jTask } from 'graphweft';
import { runProgram, stopOnSignals } from 'graphweft/cli';

const { doneFile, options } = JSON.parse(process.argv[2]!);

await runProgram(
  new Command('stoppable-load').allowExcessArguments().action(async () => {
    await using context = new ETLContext({ signal: stopOnSignals().signal });
    const { success, error } = await new ParallelCSVLoad2Neo4jTask(context, options).execute();
    if (!success) throw error;
    writeFileSync(doneFile, 'done');
  }),
);
