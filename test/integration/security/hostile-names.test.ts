/**
 * A name never becomes Cypher or SQL: whatever a label, a type, a property, a column or a table is called, the graph holds
 * exactly that name and nothing else, or the name is refused with a code of ours.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraphweftError } from '../../../src/core/errors.ts';
import { compileMapping } from '../../../src/mapping/compile.ts';
import { node, relationship } from '../../../src/mapping/patterns.ts';
import { ensureConstraints } from '../../../src/neo4j/constraints.ts';
import { CypherBatchSink } from '../../../src/sinks/cypher-batch-sink.ts';
import { MappingBatchSink } from '../../../src/sinks/mapping-batch-sink.ts';
import { ParquetBatchSink } from '../../../src/sinks/parquet-batch-sink.ts';
import { SQLBatchSink } from '../../../src/sinks/sql-batch-sink.ts';
import { CSVBatchSource } from '../../../src/sources/csv-batch-source.ts';
import type { Row } from '../../../src/sources/duckdb.ts';
import { ParquetBatchSource } from '../../../src/sources/parquet-batch-source.ts';
import { SQLBatchSource } from '../../../src/sources/sql-batch-source.ts';
import { drain, PLAIN_CONTEXT } from '../../support/batches.ts';
import { uniqueLabel, useServer } from '../../support/context.ts';
import { useFolder } from '../../support/files.ts';
import { runSql } from '../../support/sql-servers.ts';
import { ArraySource } from '../../unit/core/array-source.ts';

const { context } = useServer();

/** Each would end the quotes, or the statement, of a naive program. */
const HOSTILE = [
  '`',
  '``',
  'a`b',
  '`) DETACH DELETE (n) //',
  '`}) MATCH (m) DETACH DELETE m //',
  '\\u0060) DETACH DELETE (n) //',
  '\\u0060}) MATCH (m) DETACH DELETE m WITH 1 AS x //',
  '\\\\u0060) DETACH DELETE (n) //',
  '\\u005Cu0060) DETACH DELETE (n) //',
  '\\uuuu0060',
  '\\u006',
  '\\',
  '\\\\',
  '\\`',
  '`\\',
  '"',
  "'",
  "'; DROP TABLE canary; --",
  '"; DROP TABLE canary; --',
  '//',
  '/*',
  '*/',
  '--',
  '$batch',
  '$rows',
  '$`x`',
  '{',
  '}',
  ':A:B',
  'a.b',
  'a\nb',
  'a\r\nb',
  '\t',
  'a\u2028b',
  '\u200b',
  'ünï ✈ 名 😀',
  '\u202eevil',
  'e\u0301',
  'x'.repeat(16_000),
  'constructor',
  '__proto__',
  'toString',
  '',
  ' ',
  'a\0b',
  '\0',
  'a\ud800b',
  '\udc00',
];

const part = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE.filter(({ length }) => length < 60)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }) },
  { weight: 2, arbitrary: fc.constantFrom('`', '\\', 'u0060', 'u005C', '0060', '\\u', '\n', '$', '"', "'") },
);
const name = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')),
);

/** What there is in the whole database, labels and names among it. */
async function census(canary: string): Promise<Readonly<Record<string, unknown>>> {
  const { rows } = await context().neo4j.query(
    `MATCH (n) WITH count(n) AS nodes OPTIONAL MATCH ()-[r]->() WITH nodes, count(r) AS relationships
     OPTIONAL MATCH (c:\`${canary}\`) RETURN nodes, relationships, count(c) AS canaries`,
  );
  return rows[0]!;
}

/** Runs it, and says whether it was done or refused; any other error is thrown. */
async function isDone(action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    if (error instanceof GraphweftError && error.code.startsWith('GW_')) return false;
    throw error;
  }
}

const isRefusedByUs = (text: string) =>
  text.trim() === '' || text.includes('\0') || !(text as string & { isWellFormed(): boolean }).isWellFormed();

describe('a name in a mapping', () => {
  it('is the label, type, property and key that it says, or is refused; nothing else is made or deleted', async () => {
    const canary = uniqueLabel('Canary');
    await context().neo4j.query(`CREATE (:\`${canary}\`)-[:STAYS]->(:\`${canary}\`)`);
    let before = await census(canary);
    const check = async (label: string, type: string, property: string) => {
      const names = [label, type, property];
      const own = uniqueLabel('Own');
      const done = await isDone(async () => {
        const end = (key: string) => node([own, label], { [property]: key }, { write: 'create' });
        const mapping = relationship(type, {
          from: end('a'),
          to: end('b'),
          properties: [[property, 'c'] as const].reduce((all, [k, v]) => all.set(k, v), new FieldMap())
            .fields,
          write: 'create',
        });
        const predecessor = new ArraySource([[{ a: 1, b: 2, c: 3 }]]);
        await drain(new MappingBatchSink(context(), { predecessor, mapping }), 1);
      });
      expect(done).toBe(!names.some(isRefusedByUs));
      const after = await census(canary);
      if (!done) {
        expect(after).toEqual(before);
        return;
      }
      expect(after).toEqual({
        nodes: Number(before.nodes) + 2,
        relationships: Number(before.relationships) + 1,
        canaries: 2,
      });
      before = after;
      const { rows } = await context().neo4j.query(
        `MATCH (a:\`${own}\`)-[r]->(b:\`${own}\`) RETURN labels(a) AS labels, type(r) AS type,
           properties(a) AS a, properties(b) AS b, properties(r) AS r`,
      );
      const labels = rows.map(({ labels }) => [...(labels as string[])].sort());
      expect(labels).toEqual([[own, label].sort()]);
      expect(rows[0]).toMatchObject({ type });
      for (const [of, value] of [
        ['a', 1],
        ['b', 2],
        ['r', 3],
      ] as const)
        expect(Object.entries(rows[0]![of] as object)).toEqual([[property, value]]);
    };
    for (const hostile of HOSTILE) await check(hostile, hostile, hostile);
    await fc.assert(fc.asyncProperty(name, name, name, check), { numRuns: 150 });
  });

  it('is that of the constraint, too', async () => {
    const canary = uniqueLabel('Canary');
    await context().neo4j.query(`CREATE (:\`${canary}\`)-[:STAYS]->(:\`${canary}\`)`);
    const before = await census(canary);
    for (const hostile of HOSTILE.filter((text) => !isRefusedByUs(text) && text.length < 1000)) {
      const label = `${uniqueLabel('C')}${hostile}`;
      const mapping = compileMapping(node(label, { [hostile]: 'id', ...own('id', 'id') }));
      for (let twice = 0; twice < 2; twice++) await ensureConstraints(context().neo4j, mapping, 'create');
      const { rows } = await context().neo4j.query(
        'SHOW CONSTRAINTS YIELD name, labelsOrTypes, properties WHERE labelsOrTypes = [$label] RETURN *',
        { label },
      );
      expect(rows.map(({ properties }) => properties)).toEqual([mapping.spaces[0]!.properties]);
      await context().neo4j.query(`DROP CONSTRAINT \`${String(rows[0]!.name)}\``);
      expect(await census(canary)).toEqual(before);
    }
  });
});

/** An object literal cannot hold a field named __proto__; a parsed one can. */
class FieldMap {
  readonly fields: Record<string, string> = {};
  set(key: string, value: string): this {
    Object.defineProperty(this.fields, key, { value, enumerable: true, configurable: true, writable: true });
    return this;
  }
}

function own(key: string, value: string): Readonly<Record<string, string>> {
  return new FieldMap().set(key, value).fields;
}

describe('a name of a column', () => {
  it('is a field of `row` for a statement, and nothing more', async () => {
    const canary = uniqueLabel('Canary');
    await context().neo4j.query(`CREATE (:\`${canary}\`)-[:STAYS]->(:\`${canary}\`)`);
    const label = uniqueLabel('Columns');
    const before = await census(canary);
    const names = HOSTILE.filter((text) => !isRefusedByUs(text));
    const row = names.reduce((all, each, i) => all.set(each, `v${i}`), new FieldMap()).fields;
    const query = `UNWIND $batch AS row CREATE (n:\`${label}\`) SET n = row`;
    await drain(new CypherBatchSink(context(), { predecessor: new ArraySource([[row]]), query }), 1);
    const { rows } = await context().neo4j.query(
      `MATCH (n:\`${label}\`) UNWIND keys(n) AS k RETURN k, n[k] AS v`,
    );
    expect(new Map(rows.map(({ k, v }) => [k, v]))).toEqual(new Map(Object.entries(row)));
    expect(await census(canary)).toEqual({ ...before, nodes: Number(before.nodes) + 1 });
  });

  it('stands in CSV and Parquet files as it is', async () => {
    const folder = useFolder();
    const names = HOSTILE.filter((text) => !isRefusedByUs(text) && !/^\s|\s$|[\r\n]/.test(text));
    const header = names
      .filter((text) => text !== '__proto__')
      .map((text) => `"${text.replaceAll('"', '""')}"`);
    const csv = folder.write('a.csv', `${header.join(',')}\n${header.map((_, i) => i).join(',')}\n`);
    const read = await drain(new CSVBatchSource(PLAIN_CONTEXT, { file: csv, rowNumbers: false }), 1);
    expect(Object.keys(read.items[0]!)).toEqual(names.filter((text) => text !== '__proto__'));
    const different = names.filter(
      (text, i) => names.findIndex((n) => n.toLowerCase() === text.toLowerCase()) === i,
    );
    const row = different.reduce((all, each, i) => all.set(each, `v${i}`), new FieldMap()).fields;
    const file = folder.path('a.parquet');
    await drain(new ParquetBatchSink(PLAIN_CONTEXT, { file, predecessor: new ArraySource([[row]]) }), 1);
    const source = new ParquetBatchSource(PLAIN_CONTEXT, { file, columns: different });
    const { items } = await drain(source, 1);
    expect(Object.entries(items[0]!)).toEqual(Object.entries(row));
  });

  it.each([
    ['postgres', () => process.env.POSTGRES_URL!, '"'],
    ['mariadb', () => process.env.MARIADB_URL!, '`'],
    ['sqlite', () => `sqlite:${useFolder().write('a.db', '')}`, '"'],
  ] as const)('is a name for %s, in a sink, a source and its ranges', async (_kind, urlOf, mark) => {
    const url = urlOf();
    const canary = uniqueLabel('canary').toLowerCase();
    await runSql(url, `CREATE TABLE ${canary} (x INT)`, `INSERT INTO ${canary} VALUES (1)`);
    for (const hostile of HOSTILE) {
      // MariaDB has no characters beyond the basic plane in names, PostgreSQL 63 bytes, and a point parts schema and table.
      if (Buffer.byteLength(hostile) > 60 || /[\u{10000}-\u{10ffff}]|\./u.test(hostile)) continue;
      const table = `${uniqueLabel('t')}${hostile}`.slice(0, 60);
      const quoted = (text: string) => `${mark}${text.replaceAll(mark, mark + mark)}${mark}`;
      const rows = [new FieldMap().set(hostile, '7').fields];
      const sink = () =>
        drain(new SQLBatchSink(PLAIN_CONTEXT, { url, table, predecessor: new ArraySource([rows]) }), 1);
      const read = async () => {
        const query = `SELECT * FROM ${quoted(table)}`;
        const partition = { column: hostile, bounds: ['5'] };
        return (await drain(new SQLBatchSource<Row>(PLAIN_CONTEXT, { url, query, partition }), 10)).items;
      };
      if (isRefusedByUs(hostile) || hostile === '__proto__') {
        expect(await isDone(sink)).toBe(false);
        continue;
      }
      const made = await isDone(() =>
        runSql(url, `CREATE TABLE ${quoted(table)} (${quoted(hostile)} VARCHAR(9))`),
      );
      if (!made) continue; // the database itself has no such names
      await sink();
      expect(await read()).toEqual(rows);
    }
    const left = new SQLBatchSource<Row>(PLAIN_CONTEXT, { url, query: `SELECT x FROM ${canary}` });
    expect((await drain(left, 10)).items).toEqual([{ x: 1 }]);
  });
});
