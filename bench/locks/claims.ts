/**
 * Which claims a write needs on this server: two transactions that share one node and nothing else. The first holds its
 * locks for a while after its statement; how long the second waits, in its statement and in its commit, says whether the
 * node is locked in exclusive mode. Then the same writes by several writers at once, for deadlocks.
 */
import { Neo4jConnection, type Statistics } from 'graphweft';
import { textTable } from '../support/text-table.ts';

interface Case {
  readonly name: string;
  /** Runs with `$hub`, `$other`. */
  readonly statement: string;
}

interface Timed {
  readonly statementMs: number;
  readonly commitMs: number;
}

const CASES: readonly Case[] = [
  {
    name: 'CREATE relationship',
    statement: 'MATCH (h:Hub {id: $hub}) MATCH (o:Other {id: $other}) CREATE (o)-[:KNOWS]->(h)',
  },
  {
    name: 'MERGE relationship',
    statement: 'MATCH (h:Hub {id: $hub}) MATCH (o:Other {id: $other}) MERGE (o)-[:KNOWS]->(h)',
  },
  {
    name: 'MERGE node, CREATE relationship',
    statement: 'MERGE (h:Hub {id: $hub}) WITH h MATCH (o:Other {id: $other}) CREATE (o)-[:KNOWS]->(h)',
  },
  {
    name: 'SET on the node',
    statement: 'MATCH (h:Hub {id: $hub}) SET h.seen = $other',
  },
];

/** Relationships that the shared node has before; Neo4j calls a node dense from 50 on. */
const DEGREES = [0, 10, 1_000] as const;
const HOLD_MS = 400;
const HEAD_START_MS = 60;
const WRITERS = 6;
const WRITES_EACH = 40;

interface Server {
  readonly uri: string;
  readonly username: string;
  readonly password: string;
}

export async function benchClaims(server: Server): Promise<void> {
  const table = textTable([
    'write',
    'relationships before',
    'second waits, ms: statement',
    'commit',
    `deadlocks in ${WRITERS * WRITES_EACH} writes`,
    'with the commit gate',
  ]);
  const neo4j = new Neo4jConnection(server);
  try {
    for (const label of ['Hub', 'Other'])
      await neo4j.query(`CREATE CONSTRAINT IF NOT EXISTS FOR (n:${label}) REQUIRE n.id IS UNIQUE`);
    for (const one of CASES) {
      for (const degree of DEGREES) {
        await prepare(neo4j, degree);
        await second(neo4j, one); // warms up
        const { statementMs, commitMs } = await second(neo4j, one);
        const counts = [];
        for (const maxCommits of [WRITERS, 1]) {
          await prepare(neo4j, degree);
          counts.push(await deadlocks(server, one, maxCommits));
        }
        table.push([one.name, degree, Math.round(statementMs), Math.round(commitMs), ...counts]);
      }
    }
  } finally {
    await neo4j.close();
  }
  process.stdout.write(
    `the first transaction holds its locks for ${HOLD_MS} ms; ${HOLD_MS - HEAD_START_MS} ms of waiting is exclusive\n${table.toString()}\n`,
  );
}

async function prepare(neo4j: Neo4jConnection, degree: number): Promise<void> {
  await neo4j.query('MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS');
  await neo4j.query('CREATE (:Hub {id: 1})');
  await neo4j.query('UNWIND range(1, 1000) AS id CREATE (:Other {id: id})');
  await neo4j.query('MATCH (h:Hub) UNWIND range(1, $degree) AS i CREATE (:Filler)-[:KNOWS]->(h)', { degree });
}

/** Runs the write in two transactions that overlap, and gives how long the second one takes. */
async function second(neo4j: Neo4jConnection, { statement }: Case): Promise<Timed> {
  const driver = await neo4j.driver();
  const [a, b] = [driver.session(), driver.session()];
  const [hub, first, other] = [1, 1 + Math.floor(Math.random() * 400), 500 + Math.floor(Math.random() * 400)];
  try {
    const holder = await a.beginTransaction();
    const waiter = await b.beginTransaction();
    await holder.run(statement, { hub, other: first });
    const released = sleep(HOLD_MS).then(() => holder.commit());
    await sleep(HEAD_START_MS);
    const started = performance.now();
    await waiter.run(statement, { hub, other });
    const answered = performance.now();
    await waiter.commit();
    const committed = performance.now();
    await released;
    return { statementMs: answered - started, commitMs: committed - answered };
  } finally {
    await a.close();
    await b.close();
  }
}

/** Writes to the hub from several writers at once, each with nodes of its own. */
async function deadlocks(server: Server, { statement }: Case, maxCommits: number): Promise<number> {
  const neo4j = new Neo4jConnection(server, { maxCommits });
  try {
    const counts = await Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        let found = 0;
        for (let i = 0; i < WRITES_EACH; i++) {
          const { statistics }: { statistics: Statistics } = await neo4j.write(statement, {
            hub: 1,
            other: 1 + writer * WRITES_EACH + i,
          });
          found += statistics.retries ?? 0;
        }
        return found;
      }),
    );
    return counts.reduce((a, b) => a + b, 0);
  } finally {
    await neo4j.close();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
