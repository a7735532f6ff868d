import { expect, it } from 'vitest';
import { isLoopback } from '../../../src/neo4j/loopback.ts';

it.each([
  ['bolt://localhost:7687', true],
  ['neo4j+ssc://127.0.0.1', true],
  ['bolt+s://[::1]:7687', true],
  ['http://user@localhost/token', true],
  ['bolt://localhost.example:7687', false],
  ['bolt+s://10.0.0.1:7687', false],
])('says of %s whether it is this machine: %s', (uri, expected) => {
  expect(isLoopback(uri)).toBe(expected);
});
