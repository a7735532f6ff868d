import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, installPackages, runCommand } from '../../src/neo4j/embedded/commands.ts';
import { say } from '../support/progress.ts';
import { runLoad } from './child-contestant.ts';
import { byWorkers, type Contestant } from './contestant.ts';

const VENV = fileURLToPath(new URL('../.venv', import.meta.url));
const PEER = 'neo4j-etl-lib==0.5.1';
const WORKERS = [2, 4, 8];

export const ETL_LIB: Contestant = {
  id: 'etl-lib',
  name: 'neo4j-etl-lib 0.5.1',
  settings: ({ workers = WORKERS, batchSizes, tableSize }) => byWorkers(workers, batchSizes, { tableSize }),
  run: (arena, work, settings) =>
    runLoad(join(VENV, 'bin', 'python'), 'neo4j_etl_lib.py', arena, work, settings),
  prepare: preparePeer,
};

/** Makes the bench's own virtual environment with the peer in it. */
async function preparePeer(): Promise<void> {
  if (existsSync(join(VENV, 'ready'))) return;
  const { env } = process;
  const python = findProgram('python3', env);
  if (!python) throw new Error('The bench needs python3 for neo4j-etl-lib.');
  say(`installing ${PEER} in bench/.venv`);
  const make = () => runCommand(python, ['-m', 'venv', VENV], { env });
  if (
    (await make()).exitCode !== 0 &&
    (await installPackages(['python3-venv', 'python3-pip'], { env, onProgress: say }))
  )
    await make();
  const { exitCode, output } = await runCommand(join(VENV, 'bin', 'pip'), ['install', '-q', PEER], { env });
  if (exitCode !== 0) throw new Error(`${PEER} could not be installed: ${output.trim().split('\n').at(-1)}`);
  writeFileSync(join(VENV, 'ready'), '');
}
