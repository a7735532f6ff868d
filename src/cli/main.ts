import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { cypherCommand } from './commands/cypher.ts';
import { neo4jCommand } from './commands/neo4j.ts';
import { EXIT } from './exit-codes.ts';
import { runMain } from './run-main.ts';

/** Builds the program; nothing runs until it is parsed. */
export function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  return new Command('graphweft')
    .description('Loads tables into Neo4j, in parallel and without lock conflicts.')
    .version(version)
    .enablePositionalOptions() // so that `neo4j start --version 5.26.30` is the server's version, not this program's
    .addCommand(neo4jCommand())
    .addCommand(cypherCommand())
    .addHelpText(
      'after',
      `
Environment:
  NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD, NEO4J_DATABASE   the database; without NEO4J_URI, the embedded server
  GRAPHWEFT_NEO4J_DATA                                        folder of the embedded server (.graphweft/neo4j)
  GRAPHWEFT_REPORTER                                          terminal, plain, log or none
  NO_COLOR                                                    no colours

Examples:
  graphweft neo4j start
  graphweft cypher "MATCH (a:Airport) RETURN a.iata, a.name LIMIT 5"`,
    );
}

/** Runs the command line to its exit code. */
export async function main(argv: readonly string[] = process.argv): Promise<void> {
  await runMain(async () => {
    const program = createProgram();
    prepareTree(program);
    try {
      await program.parseAsync([...argv]);
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      return error.exitCode === 0 ? EXIT.done : EXIT.usage; // commander has said what is wrong
    }
    return typeof process.exitCode === 'number' ? process.exitCode : EXIT.done;
  });
}

function prepareTree(command: Command): void {
  command.exitOverride().showHelpAfterError('(add --help for what there is)');
  command.option('--debug', 'show the stack of an error');
  for (const child of command.commands) prepareTree(child);
}
