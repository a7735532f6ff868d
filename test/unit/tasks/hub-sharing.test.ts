import { describe, expect, it } from 'vitest';
import { ETLContext } from '../../../src/context/etl-context.ts';
import { node, relationship } from '../../../src/mapping/patterns.ts';
import {
  ParallelCSVLoad2Neo4jTask,
  type ParallelCSVLoad2Neo4jTaskOptions,
} from '../../../src/tasks/csv-load-2-neo4j-task.ts';

const knows = (write: 'create' | 'merge', properties: readonly string[] = []) =>
  relationship('KNOWS', {
    from: node('Person', { id: 'a' }, { properties }),
    to: node('Person', { id: 'b' }),
    write,
  });
const mapping = knows('create');
const make = (options: Omit<ParallelCSVLoad2Neo4jTaskOptions, 'file'>, maxCommits = 1) =>
  new ParallelCSVLoad2Neo4jTask(new ETLContext({ env: {}, maxCommits }), { file: 'x.csv', ...options });

describe('the option `hubs`', () => {
  it.each<[string, Omit<ParallelCSVLoad2Neo4jTaskOptions, 'file'>, number, string]>([
    ['a query', { query: 'UNWIND $batch AS row RETURN 1' }, 1, 'a `mapping`'],
    ['MERGE', { mapping: knows('merge') }, 1, 'MERGE and SET lock a node'],
    ['properties of a node', { mapping: knows('create', ['name']) }, 1, 'MERGE and SET lock a node'],
    ['waves', { mapping, schedule: 'waves' }, 1, "`schedule: 'claims'`"],
    ['an extractor', { mapping, idExtractor: () => [0, 0] }, 1, '`idExtractor`'],
    ['several commits at once', { mapping }, 2, '`maxCommits`'],
  ])('refuses to share with %s, and by default claims there', (_, options, maxCommits, reason) => {
    expect(() => make({ ...options, hubs: 'share' }, maxCommits)).toThrow(
      expect.objectContaining({ code: 'GW_CONFIG_OPTION', message: expect.stringContaining(reason) }),
    );
    make(options, maxCommits);
    make({ ...options, hubs: 'claim' }, maxCommits);
  });

  it('refuses another value', () => {
    expect(() => make({ mapping, hubs: 'maybe' as 'share' })).toThrow(/`hubs`/);
    make({ mapping, hubs: 'share' });
  });
});
