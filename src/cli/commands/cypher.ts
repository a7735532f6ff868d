import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { ETLContext } from '../../context/etl-context.ts';
import { optionError, stringOption } from '../../core/options.ts';
import { rowToJson } from '../../core/row-types.ts';
import { neo4j } from '../../neo4j/driver.ts';
import { fromRecordValue } from '../../neo4j/values.ts';
import { describeStatistics, formatTable } from '../tables.ts';
import { WARNING_REPORTER } from '../warning-reporter.ts';

/** `graphweft cypher STATEMENT`: runs a statement and prints a table. */
export function cypherCommand(): Command {
  return new Command('cypher')
    .description('run a Cypher statement and print its result as a table')
    .argument('<statement>', 'the statement; - reads it from standard input')
    .option(
      '-p, --param <name=value>',
      'a parameter, its value JSON or else text; repeatable',
      collectParameter,
      {},
    )
    .option('--json', 'print one JSON object a record instead of a table')
    .action(async (statement: string, options: { param: Record<string, unknown>; json?: boolean }) => {
      await using context = new ETLContext({ reporter: WARNING_REPORTER });
      const query = stringOption('statement', statement === '-' ? await text(process.stdin) : statement);
      const { rows, columns, statistics } = await context.neo4j.query(query, options.param);
      if (options.json) {
        for (const row of rows) process.stdout.write(`${JSON.stringify(row, jsonValue)}\n`);
        return;
      }
      if (columns.length > 0) process.stdout.write(`${formatTable(columns, rows)}\n`);
      process.stdout.write(
        `${[`${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`, ...describeStatistics(statistics)].join(', ')}\n`,
      );
    });
}

function collectParameter(given: string, parameters: Record<string, unknown>): Record<string, unknown> {
  const [, name, value] = /^(\w+)=(.*)$/s.exec(given) ?? [];
  if (name === undefined || value === undefined) throw optionError('--param', 'name=value', given);
  return { ...parameters, [name]: parameterValue(value) };
}

/** Reads a value as JSON; integers beyond 2^53 exactly, inside lists and maps only from Node 22 on (else they are refused). */
function parameterValue(given: string): unknown {
  const exact = (_key: string, value: unknown, { source = given } = {}) =>
    Number.isInteger(value) && !Number.isSafeInteger(value) && /^\s*-?\d+\s*$/.test(source)
      ? BigInt(source)
      : value;
  try {
    return JSON.parse(given, exact);
  } catch {
    return given; // not JSON, so it is meant as text
  }
}

/** For `JSON.stringify`: values as files of rejected rows have them, nodes, relationships and paths with all their parts. */
function jsonValue(_key: string, value: unknown): unknown {
  const hasParts = neo4j.isNode(value) || neo4j.isRelationship(value) || neo4j.isPath(value);
  const isDeep = hasParts || Array.isArray(value) || Object.getPrototypeOf(value ?? 0) === Object.prototype;
  return isDeep ? value : rowToJson(fromRecordValue(value)).row;
}
