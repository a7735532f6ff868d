/**
 * The server's jars, fetched once a version and user through Maven. They are fetched into a folder beside and renamed
 * when all are there, so that a killed fetch leaves nothing half done and two at once do not disturb each other.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Environment } from '../../core/context.ts';
import { GraphweftError, throwIfAborted } from '../../core/errors.ts';
import { findProgram, installPackages, OTHER_WAYS, runCommand } from './commands.ts';
import type { ServerVersion } from './server-version.ts';

const FETCH_PREFIX = 'fetch-';
/** A fetch takes seconds or minutes; what is older was left behind by a killed one. */
const FETCH_LEFT_BEHIND_MS = 24 * 60 * 60 * 1000;

/** Gives the folder with the server's jars. @throws {@link GraphweftError} `GW_EMBEDDED_MAVEN` */
export async function serverJars(
  version: ServerVersion,
  options: {
    /** Runs Maven too, which would otherwise look for a Java of its own. */
    readonly java: string;
    readonly env: Environment;
    readonly onProgress: (line: string) => void;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<string> {
  const { env, onProgress } = options;
  const cache = join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'graphweft');
  const lib = join(cache, `neo4j-${version.text}`);
  if (existsSync(lib)) return lib;
  const maven =
    findProgram('mvn', env) ??
    ((await installPackages(['maven'], options)) ? findProgram('mvn', env) : undefined);
  if (!maven) {
    throw new GraphweftError(
      'GW_EMBEDDED_MAVEN',
      `Maven is needed once, to fetch Neo4j ${version.text}: install it (maven), ${OTHER_WAYS}.`,
    );
  }
  onProgress(`fetching Neo4j ${version.text} (about 125 MB, once)`);
  try {
    await mkdir(cache, { recursive: true });
    await clearLeftBehind(cache);
    await fetchInto(lib, cache, { ...options, version, maven });
  } catch (cause) {
    throwIfAborted(options.signal);
    if (cause instanceof GraphweftError) throw cause;
    const message = `The jars of Neo4j ${version.text} cannot be kept in ${cache}: ${(cause as Error).message}`;
    throw new GraphweftError('GW_EMBEDDED_MAVEN', message, {
      cause,
      details: { version: version.text, cache },
    });
  }
  return lib;
}

async function fetchInto(
  lib: string,
  cache: string,
  {
    version,
    maven,
    java,
    env,
    signal,
  }: {
    readonly version: ServerVersion;
    readonly maven: string;
    readonly java: string;
    readonly env: Environment;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<void> {
  const folder = await mkdtemp(join(cache, FETCH_PREFIX));
  try {
    await writeFile(join(folder, 'pom.xml'), pom(version));
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=lib'];
    const javaHome = dirname(dirname(await realpath(java)));
    const { exitCode, output } = await runCommand(maven, ['-q', '-B', ...goal], {
      env: { ...env, JAVA_HOME: javaHome },
      cwd: folder,
      signal,
    });
    if (exitCode !== 0) throw fetchFailed(version, output);
    await rename(join(folder, 'lib'), lib).catch((error: unknown) => {
      if (!existsSync(lib)) throw error; // otherwise another process was faster, and its jars are the same
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function clearLeftBehind(cache: string): Promise<void> {
  const names = (await readdir(cache)).filter((name) => name.startsWith(FETCH_PREFIX));
  for (const folder of names.map((name) => join(cache, name))) {
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Date.now() })); // its fetch has just ended
    if (Date.now() - mtimeMs > FETCH_LEFT_BEHIND_MS) await rm(folder, { recursive: true, force: true });
  }
}

function pom({ text }: ServerVersion): string {
  const dependency = (group: string, artifact: string) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${text}</version></dependency>`;
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>graphweft</groupId><artifactId>embedded-neo4j</artifactId><version>1</version>
<dependencies>${dependency('org.neo4j', 'neo4j')}${dependency('org.neo4j.app', 'neo4j-server')}</dependencies>
</project>
`;
}

function fetchFailed({ text }: ServerVersion, output: string): GraphweftError {
  const lines = stripVTControlCharacters(output).split('\n');
  const reason =
    lines
      .find((line) => line.startsWith('[ERROR]'))
      ?.slice('[ERROR]'.length)
      .trim() ?? 'Maven gave no reason';
  return new GraphweftError(
    'GW_EMBEDDED_MAVEN',
    `Neo4j ${text} could not be fetched through Maven: ${reason}`,
    {
      details: { version: text },
    },
  );
}
