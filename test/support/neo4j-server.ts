import { startTestNeo4j } from '../../src/testing/test-neo4j.ts';

/** One server for the whole run, by the kit that users get. A run that cannot get one fails. */
export async function setup(): Promise<() => Promise<void>> {
  const server = await startTestNeo4j({
    onProgress: (line) => void process.stderr.write(`neo4j: ${line}\n`),
  });
  const { NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD } = server.env;
  Object.assign(process.env, { NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD });
  return () => server.stop();
}
