// Loads a file of trips as a program of a user's would, with a run's id: it can be stopped and started again.
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { ETLContext, node, ParallelCSVLoad2Neo4jTask, relationship } from 'graphweft';
import { runProgram, stopOnSignals } from 'graphweft/cli';

const { file, run, label, rejectedFile, doneFile } = JSON.parse(process.argv[2]!);
const place = (column: string) => node(label, { id: column });

await runProgram(
  new Command('stoppable-load').allowExcessArguments().action(async () => {
    await using context = new ETLContext({ signal: stopOnSignals().signal });
    const { success, error } = await new ParallelCSVLoad2Neo4jTask(context, {
      name: label,
      file,
      types: { n: 'BIGINT', start: 'BIGINT', end: 'BIGINT' },
      mapping: relationship('TRIP', {
        from: place('start'),
        to: place('end'),
        properties: ['n'],
        write: 'create',
      }),
      resume: run,
      rejectedFile,
      batchSize: 100, // many transactions, so that there is a middle to be stopped in
    }).execute();
    if (!success) throw error;
    writeFileSync(doneFile, 'done');
  }),
);
