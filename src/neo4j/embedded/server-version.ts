import { optionError } from '../../core/options.ts';

/** What a release of the server needs to be started. */
export interface ServerVersion {
  readonly text: string;
  readonly parts: readonly [major: number, minor: number, patch: number];
  /** Oldest Java that it runs on. */
  readonly javaMajor: number;
  readonly mainClass: string;
  readonly jvmFlags: readonly string[];
}

export const DEFAULT_SERVER_VERSION = '5.26.30';

/** Since 2025 releases are named by year and month. */
const FIRST_CALENDAR_YEAR = 2025;
const OPENED_PACKAGES = ['java.nio', 'java.io', 'sun.nio.ch', 'java.util.concurrent'];

/** @throws {@link ConfigError} `GW_CONFIG_OPTION` for what is no version from 5.0 on. */
export function parseServerVersion(text: string): ServerVersion {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)$/.exec(text)?.map(Number) ?? [];
  if (major === undefined || minor === undefined || patch === undefined || major < 5) {
    throw optionError('version', 'a release of Neo4j from 5.0.0 on, such as "5.26.30"', text);
  }
  const opens = OPENED_PACKAGES.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`);
  const parts = [major, minor, patch] as const;
  if (major < FIRST_CALENDAR_YEAR) {
    return { text, parts, javaMajor: 17, mainClass: 'org.neo4j.server.CommunityEntryPoint', jvmFlags: opens };
  }
  return {
    text,
    parts,
    javaMajor: major > FIRST_CALENDAR_YEAR ? 25 : 21,
    mainClass: 'org.neo4j.server.Neo4jCommunity',
    jvmFlags: [...opens, '--add-modules=jdk.incubator.vector'],
  };
}

/** Negative when `a` is the older one. */
export function compareVersions(a: ServerVersion, b: ServerVersion): number {
  const at = a.parts.findIndex((part, i) => part !== b.parts[i]);
  return at < 0 ? 0 : a.parts[at]! - b.parts[at]!;
}
