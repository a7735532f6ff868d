import type { EmbeddedServer, ETLContext } from 'graphweft';

/** What a scenario has to work with. */
export interface Arena {
  readonly context: ETLContext;
  readonly server: EmbeddedServer;
  /** Folder of the server; removed at the end. */
  readonly dataDir: string;
  readonly random: () => number;
  readonly seed: number;
}

/** How often, and of what size. */
export interface Size {
  readonly times: number;
  readonly rows: number;
}

export function envOf(uri: string, { username, password }: EmbeddedServer): NodeJS.ProcessEnv {
  return {
    ...process.env,
    NEO4J_URI: uri,
    NEO4J_USERNAME: username,
    NEO4J_PASSWORD: password,
    NEO4J_DATABASE: 'neo4j',
  };
}
