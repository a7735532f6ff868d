import { Command } from 'commander';
import { loadEnvironment } from '../../context/environment.ts';
import { integerOption } from '../../core/options.ts';
import {
  type EmbeddedServerOptions,
  embeddedServerStatus,
  startEmbeddedServer,
  stopEmbeddedServer,
} from '../../neo4j/embedded/embedded-server.ts';
import { EXIT } from '../exit-codes.ts';

interface ServerFlags {
  readonly data?: string;
  readonly version?: string;
  readonly boltPort?: string;
  readonly json?: boolean;
}

/** `graphweft neo4j start | stop | status`: a real server on this machine, for where there is no other. */
export function neo4jCommand(): Command {
  return new Command('neo4j')
    .description('start, stop or look at the embedded Neo4j server')
    .addCommand(
      serverCommand('start', 'start the server, or find it running')
        .option('--version <release>', 'release of Neo4j (5.26.30)')
        .option('--bolt-port <port>', 'port on the loopback address (7687, or a free one)')
        .action(start),
    )
    .addCommand(serverCommand('stop', 'stop the server; its data stay').action(stop))
    .addCommand(
      serverCommand('status', 'say whether the server runs; exit code 0 when it does, else 1')
        .option('--json', 'as JSON')
        .action(status),
    );
}

function serverCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--data <folder>', 'folder of the server (.graphweft/neo4j)');
}

function placeOf({ data }: ServerFlags): EmbeddedServerOptions {
  const dataDir = data ?? (loadEnvironment().env.GRAPHWEFT_NEO4J_DATA || undefined);
  return {
    ...(dataDir !== undefined && { dataDir }),
    onProgress: (line) => process.stderr.write(`${line}\n`),
  };
}

async function start(flags: ServerFlags): Promise<void> {
  const { version, boltPort } = flags;
  const server = await startEmbeddedServer({
    ...placeOf(flags),
    ...(version !== undefined && { version }),
    ...(boltPort !== undefined && {
      boltPort: integerOption('--bolt-port', Number(boltPort), { min: 1, max: 65_535 }),
    }),
  });
  const data = flags.data === undefined ? '' : `GRAPHWEFT_NEO4J_DATA=${flags.data} `;
  print([
    `Neo4j ${server.version} ${server.alreadyRunning ? 'runs already' : 'is running'} (process ${server.pid})`,
    `  address   ${server.uri}`,
    `  user      ${server.username}`,
    `  password  in ${server.passwordFile}`,
    `  data      ${server.dataDir}`,
    '',
    `Ask it something:  ${data}npx graphweft cypher "MATCH (n) RETURN count(n) AS nodes"`,
    `Stop it:           npx graphweft neo4j stop${flags.data === undefined ? '' : ` --data ${flags.data}`}`,
  ]);
}

async function stop(flags: ServerFlags): Promise<void> {
  const wasRunning = await stopEmbeddedServer(placeOf(flags));
  print([wasRunning ? 'Neo4j is stopped.' : 'Neo4j was not running.']);
}

async function status(flags: ServerFlags): Promise<void> {
  const found = await embeddedServerStatus(placeOf(flags));
  if (found.state !== 'running') process.exitCode = EXIT.failed;
  if (flags.json) {
    print([JSON.stringify(found)]);
  } else if (found.state === 'running') {
    const { version, pid, boltPort, startedAt, dataDir } = found;
    print([
      `Neo4j ${version} is running (process ${pid}, bolt://127.0.0.1:${boltPort}, since ${startedAt}) in ${dataDir}.`,
    ]);
  } else {
    const crashed = 'has crashed or was killed; `npx graphweft neo4j start` recovers its data';
    print([`Neo4j ${found.state === 'crashed' ? crashed : 'is stopped'} (${found.dataDir}).`]);
  }
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
