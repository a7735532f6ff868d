import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { configCommand } from './commands/config.ts';
import { cypherCommand } from './commands/cypher.ts';
import { neo4jCommand } from './commands/neo4j.ts';
import { rejectedCommand } from './commands/rejected.ts';
import { addRunCommands } from './commands/runs.ts';
import { runProgram } from './run-program.ts';

/** Builds the program; nothing runs until it is parsed. */
export function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  const program = new Command('graphweft')
    .description('Loads tables into Neo4j, in parallel and without lock conflicts.')
    .version(version)
    .enablePositionalOptions() // so that `neo4j start --version 5.26.30` is the server's version, not this program's
    .addCommand(neo4jCommand())
    .addCommand(cypherCommand())
    .addCommand(configCommand())
    .addCommand(rejectedCommand());
  return addRunCommands(program).addHelpText(
    'after',
    `
Environment:
  NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD, NEO4J_DATABASE   the database; without NEO4J_URI, the embedded server
  GRAPHWEFT_NEO4J_DATA                                        folder of the embedded server (.graphweft/neo4j)
  GRAPHWEFT_REPORTER                                          terminal, plain, log or none
  REPORTER_DATABASE                                           database that runs are kept in
  NO_COLOR                                                    no colours

Examples:
  graphweft neo4j start
  graphweft cypher "MATCH (a:Airport) RETURN a.iata, a.name LIMIT 5"
  graphweft runs --last 5`,
  );
}

/** Runs the command line to its exit code. */
export function main(argv: readonly string[] = process.argv): Promise<void> {
  return runProgram(createProgram(), argv);
}
