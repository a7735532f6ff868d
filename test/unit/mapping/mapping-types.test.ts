/** What the compiler says of mappings; it fails the type check when it says something else. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import { node, relationship } from '../../../src/mapping/patterns.ts';
import {
  CSVLoad2Neo4jTask,
  type CSVLoad2Neo4jTaskOptions,
} from '../../../src/tasks/csv-load-2-neo4j-task.ts';
import { testContext } from '../core/test-context.ts';

const schema = z.object({ a: z.string(), b: z.string(), c: z.number() });
const ends = { from: node('A', { id: 'a' }), to: node('B', { id: 'b' }) };
const good = relationship('R', { ...ends, properties: ['c'] });
const bad = relationship('R', { ...ends, properties: ['d'] });
const file = 'x.csv';

function taskOf<Out>(options: CSVLoad2Neo4jTaskOptions<Out>): CSVLoad2Neo4jTask<Out> {
  return new CSVLoad2Neo4jTask(testContext() as never, options);
}

it('refuses a column that the schema does not give, where the mapping stands on its own', () => {
  expect(taskOf({ file, schema, mapping: good })).toBeDefined();
  expect(taskOf({ file, schema, mapping: [good, good] })).toBeDefined();
  // @ts-expect-error there is no column `d`
  expect(taskOf({ file, schema, mapping: bad })).toBeDefined();
});

it('takes a mapping that is written in place, and any mapping without a schema', () => {
  expect(taskOf({ file, schema, mapping: node('A', { id: 'a' }, { properties: ['b'] }) })).toBeDefined();
  const sum = (row: { c: number }) => row.c + 1;
  expect(
    taskOf({ file, schema, mapping: node('A', { id: sum }, { properties: { x: sum, b: 'b' } }) }),
  ).toBeDefined();
  expect(
    taskOf({
      file,
      schema,
      mapping: [
        relationship('R', {
          from: node('A', { id: 'a' }),
          to: node('B', { id: 'b' }),
          properties: { x: (row: { c: number }) => row.c },
        }),
      ],
    }),
  ).toBeDefined();
  expect(taskOf({ file, mapping: [good, bad] })).toBeDefined();
});
