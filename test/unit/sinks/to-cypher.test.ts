import { describe, expect, it } from 'vitest';
import { compileMapping } from '../../../src/mapping/compile.ts';
import { node, relationship } from '../../../src/mapping/patterns.ts';
import { toCypher } from '../../../src/sinks/to-cypher.ts';

const flight = relationship('FLIGHT', {
  from: node('Airport', { iata: 'origin' }),
  to: node('Airport', { iata: 'destination' }),
  properties: { delay: 'delay', isLate: ({ delay }: { delay: number }) => delay > 15 },
  write: 'create',
});

describe('toCypher', () => {
  it('gives the statement of a load, what each parameter holds, and the constraints', () => {
    expect(toCypher(flight)).toEqual({
      statement: compileMapping(flight).statement,
      parameters: {
        keys0: { holds: 'each distinct key of :Airport once, a value; from origin; destination' },
        rows: { holds: "every row, a list [place in $keys0, place in $keys0, delay, a function's isLate]" },
      },
      constraints: ['CREATE CONSTRAINT IF NOT EXISTS FOR (n:`Airport`) REQUIRE (n.`iata`) IS UNIQUE'],
    });
  });

  it('gives the very parameters for rows', () => {
    const rows = [
      { origin: 'SFO', destination: 'JFK', delay: 12 },
      { origin: 'JFK', destination: 'SFO', delay: 20 },
    ];
    const { parameters } = toCypher(flight, { rows, floatColumns: ['delay'] });
    expect(parameters.keys0?.value).toEqual(['SFO', 'JFK']);
    const [first, second] = parameters.rows!.value as readonly (readonly unknown[])[];
    expect([Number(first![0]), Number(first![1]), ...first!.slice(2)]).toEqual([0, 1, 12, false]);
    expect([Number(second![0]), Number(second![1]), ...second!.slice(2)]).toEqual([1, 0, 20, true]);
  });

  it('names every parameter that the statement takes, and no other', () => {
    const person = node(['Person', 'Author'], { id: 'id', source: 'source' }, { properties: ['name'] });
    const mappings = [
      person,
      node('Event', {}, { properties: ['at'], write: 'create' }),
      relationship('WROTE', {
        from: node(
          ['Person', 'Author'],
          { id: 'id', source: 'source' },
          { properties: ['name'], write: 'merge' },
        ),
        to: node('Book', { isbn: 'isbn' }),
        key: ['year'],
      }),
    ];
    for (const mapping of mappings) {
      const { statement, parameters, constraints } = toCypher(mapping);
      const taken = new Set([...statement.matchAll(/\$(\w+)/g)].map(([, name]) => name));
      expect(new Set(Object.keys(parameters))).toEqual(taken);
      expect(constraints).toHaveLength(compileMapping(mapping).spaces.length);
    }
    expect(toCypher(mappings[2]!).parameters.keys0?.holds).toBe(
      'each distinct key of :Person once, a list [id, source, name]; from id, source',
    );
  });

  it('gives the statement that fits the rows of a merged relationship', () => {
    const livesIn = relationship('LIVES_IN', {
      from: node('Person', { id: 'person' }, { write: 'merge' }),
      to: node('City', { id: 'city' }, { write: 'merge' }),
    });
    const compiled = compileMapping(livesIn);
    expect(toCypher(livesIn).statement).toBe(compiled.statement);
    expect(toCypher(livesIn).parameters).toMatchObject({
      groups: {
        holds:
          'each start node of $rows once, a list [place in $keys0, its first row, the first row after it]',
      },
      rows: { holds: 'the last row of each relationship by start node, a list [place in $keys1]' },
    });
    const rows = ['x', 'y', 'z'].map((city) => ({ person: 'a', city }));
    const { statement, parameters } = toCypher(livesIn, { rows });
    expect(statement).toBe(compiled.statementByEnd);
    expect(parameters.rows?.holds).toBe(
      'the last row of each relationship by end node, a list [place in $keys0]',
    );
    expect(parameters.groups?.value).toHaveLength(3);
    expect(parameters.look).toEqual({ holds: expect.stringMatching(/at most/), value: 64 });
  });

  it('refuses rows that cannot be sent, by row and field', () => {
    expect(() => toCypher(flight, { rows: [{ origin: 'A', destination: 'B', delay: 2 ** 60 }] })).toThrow(
      expect.objectContaining({ code: 'GW_VALUE_INTEGER' }),
    );
  });
});
