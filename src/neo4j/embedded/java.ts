import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../../core/context.ts';
import { GraphweftError } from '../../core/errors.ts';
import { findProgram, installPackages, isExecutable, OTHER_WAYS, runCommand } from './commands.ts';
import type { ServerVersion } from './server-version.ts';

/** Where Debian and most others put their Java runtimes. */
const JVM_FOLDER = '/usr/lib/jvm';

/**
 * Finds a Java runtime that the server can run on: JAVA_HOME, PATH, then the system's folder; where there is none, one
 * is installed if that can be done without asking.
 * @throws {@link GraphweftError} `GW_EMBEDDED_JAVA`
 */
export async function findJava(
  version: ServerVersion,
  options: { readonly env: Environment; readonly onProgress: (line: string) => void },
): Promise<string> {
  const found = (await firstSuitable(version, options.env)) ?? (await installed(version, options));
  if (found) return found;
  const { env } = options;
  const older = await Promise.all(candidates(env).map((java) => majorOf(java, env)));
  const newest = Math.max(0, ...older);
  throw new GraphweftError(
    'GW_EMBEDDED_JAVA',
    `Neo4j ${version.text} needs Java ${version.javaMajor} or newer${newest > 0 ? `, and the newest here is ${newest}` : ''}: ` +
      `install it (openjdk-${version.javaMajor}-jre-headless), ${OTHER_WAYS}.`,
  );
}

async function installed(
  version: ServerVersion,
  options: { readonly env: Environment; readonly onProgress: (line: string) => void },
): Promise<string | undefined> {
  const isInstalled = await installPackages([`openjdk-${version.javaMajor}-jre-headless`], options);
  return isInstalled ? firstSuitable(version, options.env) : undefined;
}

async function firstSuitable({ javaMajor }: ServerVersion, env: Environment): Promise<string | undefined> {
  for (const java of candidates(env)) if ((await majorOf(java, env)) >= javaMajor) return java;
  return undefined;
}

function candidates(env: Environment): readonly string[] {
  const home = env.JAVA_HOME ? [join(env.JAVA_HOME, 'bin', 'java')] : [];
  const inPath = findProgram('java', env);
  let folders: string[] = [];
  try {
    folders = env.GRAPHWEFT_JVM_FOLDER === '' ? [] : readdirSync(env.GRAPHWEFT_JVM_FOLDER ?? JVM_FOLDER);
  } catch {
    // no such folder: no runtime in it
  }
  const system = folders.map((name) => join(env.GRAPHWEFT_JVM_FOLDER ?? JVM_FOLDER, name, 'bin', 'java'));
  return [...home, ...(inPath ? [inPath] : []), ...system].filter(isExecutable);
}

async function majorOf(java: string, env: Environment): Promise<number> {
  const { output } = await runCommand(java, ['-version'], { env });
  return Number(/version "(?:1\.)?(\d+)/.exec(output)?.[1] ?? 0);
}
