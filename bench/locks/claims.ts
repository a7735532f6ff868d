/**
 * Which claims a write needs on this server. Two transactions share one node, the hub, and nothing else. The first holds
 * its locks for a while after its statement; how long the second waits, in its statement and in its commit, says whether
 * the hub is locked in exclusive mode. Then the same writes in batches by several writers at once, on hubs that all of
 * them share and in orders of their own, for deadlocks.
 */
import { compileMapping, type Mapping, Neo4jConnection, node, relationship } from 'graphweft';
import { mulberry32 } from '../../test/support/ratings.ts';
import { median } from '../support/figures.ts';
import { textTable } from '../support/text-table.ts';

/** One row of a write: the hub's key, and that of the other end, which no other transaction has. */
interface Pair {
  readonly hub: number;
  readonly other: number;
}

interface Case {
  readonly name: string;
  readonly statement: string;
  readonly parameters: (pairs: readonly Pair[]) => Readonly<Record<string, unknown>>;
  /** Its hub is not there before, so a degree means nothing. */
  readonly isNew?: boolean;
}

interface Server {
  readonly uri: string;
  readonly username: string;
  readonly password: string;
}

const ENDS = ['end', 'start'] as const;
type End = (typeof ENDS)[number];

/** Relationships of the hub before; Neo4j calls a node dense from 50 on, whatever their type. */
const DEGREES = [
  { name: '0', degree: 0, type: 'KNOWS' },
  { name: '10', degree: 10, type: 'KNOWS' },
  { name: '49', degree: 49, type: 'KNOWS' },
  { name: '50', degree: 50, type: 'KNOWS' },
  { name: '1,000', degree: 1_000, type: 'KNOWS' },
  { name: '1,000 of another type', degree: 1_000, type: 'LIKES' },
] as const;
type Degree = (typeof DEGREES)[number];

const HOLD_MS = 300;
const HEAD_START_MS = 60;
const WRITERS = 6;
const HUBS = 4;
const BATCHES_EACH = 5;
const BATCH_ROWS = 100;

function casesFor(end: End): readonly Case[] {
  const arrow = end === 'end' ? '(o)-[x:KNOWS]->(h)' : '(h)-[x:KNOWS]->(o)';
  const by = (name: string, body: string): Case => ({
    name,
    statement: `UNWIND $rows AS r ${body}`,
    parameters: (rows) => ({ rows }),
  });
  const ends = 'MATCH (h:Hub {id: r.hub}) MATCH (o:Other {id: r.other})';
  return [
    by('CREATE relationship', `${ends} CREATE ${arrow}`),
    by('MERGE relationship', `${ends} MERGE ${arrow}`),
    by('MERGE relationship, SET on it', `${ends} MERGE ${arrow} SET x.seen = r.other`),
    by(
      'MERGE node, CREATE relationship',
      `MERGE (h:Hub {id: r.hub}) WITH h, r MATCH (o:Other {id: r.other}) CREATE ${arrow}`,
    ),
    {
      ...by(
        'MERGE node that is not there, CREATE relationship',
        `MERGE (h:New {id: r.hub}) WITH h, r MATCH (o:Other {id: r.other}) CREATE ${arrow}`,
      ),
      isNew: true,
    },
    by(
      'MERGE node and SET on it, CREATE relationship',
      `MERGE (h:Hub {id: r.hub}) SET h.seen = r.other WITH h, r MATCH (o:Other {id: r.other}) CREATE ${arrow}`,
    ),
    by('SET on the node', 'MATCH (h:Hub {id: r.hub}) SET h.seen = r.other'),
    ...(['match', 'merge'] as const).flatMap((nodes) =>
      (['create', 'merge'] as const).map((write) => {
        const [h, o] = [
          node('Hub', { id: 'hub' }, { write: nodes }),
          node('Other', { id: 'other' }, { write: nodes }),
        ];
        const [from, to] = end === 'end' ? [o, h] : [h, o];
        return byMapping(`mapping: ${nodes} nodes, ${write}`, relationship('KNOWS', { from, to, write }));
      }),
    ),
    byMapping('mapping: create one node, match the other, create', createdNode(end)),
  ];
}

function createdNode(end: End): Mapping {
  const created = node('Made', { id: 'other' }, { write: 'create' });
  const hub = node('Hub', { id: 'hub' });
  const [from, to] = end === 'end' ? [created, hub] : [hub, created];
  return relationship('KNOWS', { from, to, write: 'create' });
}

/** Sends what the sink would: distinct keys, then rows that refer to them by position. */
function byMapping(name: string, mapping: Mapping): Case {
  const { statement, lists, ends, values } = compileMapping(mapping);
  return {
    name,
    statement,
    parameters: (pairs) => {
      const keys = lists.map(() => new Map<number, number>());
      const rows = pairs.map((pair) => [
        ...ends.map(({ list, keys: [key] }) => {
          const places = keys[list]!;
          const value = pair[key!.source as keyof Pair];
          if (!places.has(value)) places.set(value, places.size);
          return places.get(value)!;
        }),
        ...values.map(({ source }) => pair[source as keyof Pair]),
      ]);
      return { rows, ...Object.fromEntries(lists.map((l, i) => [l.parameter, [...keys[i]!.keys()]])) };
    },
  };
}

export async function benchClaims(server: Server, repetitions: number, seed: number): Promise<void> {
  const summary = textTable(['write', 'statement waits, ms', 'commit waits, ms', 'deadlocks']);
  const table = textTable([
    'write',
    'hub is',
    'relationships before',
    'statement waits, ms',
    'commit waits, ms',
    'deadlocks',
  ]);
  const gated = new Neo4jConnection(server, { maxCommits: 1 });
  const open = new Neo4jConnection(server, { maxCommits: WRITERS });
  const nodes = new Nodes(gated);
  try {
    await nodes.makeSchema();
    for (const [c, { name }] of casesFor('end').entries()) {
      const waits: { readonly statement: number; readonly commit: number }[] = [];
      const found = [0, 0];
      for (const end of ENDS) {
        const one = casesFor(end)[c]!;
        await second(gated, one, await nodes.pairs(end, DEGREES[0], 1, 2)); // compiles the plan
        for (const degree of one.isNew ? DEGREES.slice(0, 1) : DEGREES) {
          const timed = [];
          for (let i = 0; i < repetitions; i++)
            timed.push(await second(gated, one, await nodes.pairs(end, degree, 1, 2)));
          const counts: number[] = [];
          for (const neo4j of [gated, open])
            counts.push(await deadlocks(neo4j, nodes, one, end, degree, seed));
          for (const [i, count] of counts.entries()) found[i]! += count;
          waits.push({
            statement: median(timed.map(({ statementMs }) => statementMs)),
            commit: median(timed.map(({ commitMs }) => commitMs)),
          });
          table.push([
            name,
            end,
            one.isNew ? 'none' : degree.name,
            describe(timed.map(({ statementMs }) => statementMs)),
            describe(timed.map(({ commitMs }) => commitMs)),
            counts.join(' / '),
          ]);
        }
        process.stderr.write(`${name}, hub as ${end}\n`);
      }
      summary.push([
        name,
        range(waits.map(({ statement }) => statement)),
        range(waits.map(({ commit }) => commit)),
        found.join(' / '),
      ]);
    }
  } finally {
    await gated.close();
    await open.close();
  }
  process.stdout.write(
    `${HOLD_MS - HEAD_START_MS} ms of waiting is a lock in exclusive mode; median of ${repetitions} (all). ` +
      `Deadlocks: ${WRITERS} writers, ${WRITERS * BATCHES_EACH} batches of ${BATCH_ROWS} rows on ${HUBS} hubs, ` +
      `one commit at a time / ${WRITERS}; seed ${seed}\n${table.toString()}\n` +
      `lowest and highest median of all degrees and both ends; deadlocks of all\n${summary.toString()}\n`,
  );
}

function describe(values: readonly number[]): string {
  return `${median(values)} (${values.map(Math.round).join(' ')})`;
}

function range(values: readonly number[]): string {
  return `${Math.min(...values)}–${Math.max(...values)}`;
}

/** Makes nodes that nothing has touched yet: a hub's degree is what it says only once. */
class Nodes {
  readonly #neo4j: Neo4jConnection;
  #next = 1;

  constructor(neo4j: Neo4jConnection) {
    this.#neo4j = neo4j;
  }

  async makeSchema(): Promise<void> {
    for (const label of ['Hub', 'New', 'Other'])
      await this.#neo4j.query(`CREATE CONSTRAINT IF NOT EXISTS FOR (n:${label}) REQUIRE n.id IS UNIQUE`);
    // The names, too, so that no write is the first to use one.
    await this.#neo4j.query(
      'CREATE (a:Made {id: 0, seen: 0})-[r:KNOWS {seen: 0}]->(b:Filler)-[:LIKES]->(a) DETACH DELETE a, b',
    );
  }

  /** Makes hubs, and others in turn with them. */
  async pairs(end: End, { degree, type }: Degree, hubs: number, others: number): Promise<readonly Pair[]> {
    const first = this.#next;
    this.#next += hubs + others;
    const arrow = end === 'end' ? `(:Filler)-[:${type}]->(h)` : `(h)-[:${type}]->(:Filler)`;
    await this.#neo4j.query('UNWIND range(1, $others) AS i CREATE (:Other {id: $first + $hubs - 1 + i})', {
      ...{ first, hubs, others },
    });
    for (let h = 0; h < hubs; h++) {
      await this.#neo4j.query(
        `CREATE (h:Hub {id: $id}) WITH h UNWIND range(1, $degree) AS i CREATE ${arrow}`,
        { id: first + h, degree },
      );
    }
    return Array.from({ length: others }, (_, i) => ({ hub: first + (i % hubs), other: first + hubs + i }));
  }
}

/** Runs the write in two transactions that overlap, and gives how long the second one takes. */
async function second(
  neo4j: Neo4jConnection,
  { statement, parameters }: Case,
  [first, other]: readonly Pair[],
): Promise<{ readonly statementMs: number; readonly commitMs: number }> {
  const driver = await neo4j.driver();
  const [a, b] = [driver.session(), driver.session()];
  try {
    const holder = await a.beginTransaction();
    const waiter = await b.beginTransaction();
    await holder.run(statement, integers(parameters([first!])));
    const released = sleep(HOLD_MS).then(() => holder.commit());
    await sleep(HEAD_START_MS);
    const started = performance.now();
    await waiter.run(statement, integers(parameters([other!])));
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

/** Writes to the same hubs from several writers at once, each with other nodes of its own. */
async function deadlocks(
  neo4j: Neo4jConnection,
  nodes: Nodes,
  { statement, parameters }: Case,
  end: End,
  degree: Degree,
  seed: number,
): Promise<number> {
  const pairs = await nodes.pairs(end, degree, HUBS, WRITERS * BATCHES_EACH * BATCH_ROWS);
  const random = mulberry32(seed);
  const batches = Array.from({ length: WRITERS * BATCHES_EACH }, (_, i) =>
    shuffled(pairs.slice(i * BATCH_ROWS, (i + 1) * BATCH_ROWS), random),
  );
  let found = 0;
  const work = async (): Promise<void> => {
    for (let batch = batches.shift(); batch; batch = batches.shift()) {
      const { statistics } = await neo4j.write(statement, integers(parameters(batch)));
      found += statistics.retries ?? 0;
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, work));
  return found;
}

/** The driver sends numbers as floats, which are no positions in a list. */
function integers(parameters: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(parameters), (_, value) =>
    typeof value === 'number' ? BigInt(value) : value,
  );
}

function shuffled<T>(list: readonly T[], random: () => number): readonly T[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

function sleep(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
