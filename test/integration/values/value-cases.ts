/**
 * What each kind of source can hold of each Neo4j property type, and what must be in the database afterwards. The
 * expectation is Cypher, so that it owes nothing to the code that reads or writes.
 */

/** One value: how each source says it (SQL, or for CSV a type and the text of a field). Sources that lack it cannot. */
export interface ValueCase {
  readonly name: string;
  /** A Cypher expression. */
  readonly expected: string;
  /** What `valueType()` says, without its NOT NULL. */
  readonly type: string;
  readonly csv?: readonly [type: string, text: string];
  readonly parquet?: string;
  readonly postgres?: string;
  readonly mariadb?: string;
  /** Of a column of this type; an expression has none. */
  readonly sqlite?: readonly [declared: string, sql: string];
  /** False where another graph cannot hold it either. Default: true. */
  readonly cypher?: boolean;
}

/** Every whole number of an edge, where a source has one of 64 bits. */
const integers: readonly ValueCase[] = [
  '0',
  '-1',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '-9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
].map((text) => {
  // Read from text: PostgreSQL and DuckDB take the digits alone for a positive number that does not fit.
  return {
    name: `integer ${text}`,
    expected: `toInteger('${text}')`,
    type: 'INTEGER',
    csv: ['BIGINT', text],
    parquet: `'${text}'::BIGINT`,
    postgres: `'${text}'::bigint`,
    mariadb: `CAST('${text}' AS SIGNED)`,
    sqlite: ['INTEGER', text],
  };
});

const floats: readonly ValueCase[] = [
  ...['0.1', '1.0', '123456789012345680.0', '1.7976931348623157e308', '4.9e-324', '-2.0'].map(
    (text): ValueCase => ({
      name: `float ${text}`,
      expected: text,
      type: 'FLOAT',
      csv: ['DOUBLE', text],
      parquet: `'${text}'::DOUBLE`,
      postgres: `'${text}'::float8`,
      mariadb: `CAST('${text}' AS DOUBLE)`,
      sqlite: ['REAL', text],
    }),
  ),
  {
    name: 'float -0.0',
    expected: '-0.0',
    type: 'FLOAT',
    csv: ['DOUBLE', '-0.0'],
    parquet: `'-0.0'::DOUBLE`,
    postgres: `'-0'::float8`,
  },
  {
    name: 'float NaN',
    expected: '0.0 / 0.0',
    type: 'FLOAT',
    csv: ['DOUBLE', 'NaN'],
    parquet: `'NaN'::DOUBLE`,
    postgres: `'NaN'::float8`,
  },
  {
    name: 'float Infinity',
    expected: '1.0 / 0.0',
    type: 'FLOAT',
    csv: ['DOUBLE', 'inf'],
    parquet: `'inf'::DOUBLE`,
    postgres: `'Infinity'::float8`,
    sqlite: ['REAL', '9e999'],
  },
  {
    name: 'float -Infinity',
    expected: '-1.0 / 0.0',
    type: 'FLOAT',
    csv: ['DOUBLE', '-Infinity'],
    parquet: `'-inf'::DOUBLE`,
    postgres: `'-Infinity'::float8`,
    sqlite: ['REAL', '-9e999'],
  },
  {
    name: 'float of 32 bits, with all its digits',
    expected: '16777215.0 + 1.0',
    type: 'FLOAT',
    csv: ['FLOAT', '16777216'],
    parquet: `16777216::FLOAT`,
    postgres: `16777216::float4`,
    mariadb: 'f32',
  },
  {
    name: 'float of 32 bits, as its nearest double',
    expected: '0.10000000149011612',
    type: 'FLOAT',
    csv: ['FLOAT', '0.1'],
    parquet: `0.1::FLOAT`,
    postgres: `0.1::float4`,
    mariadb: 'f32b',
  },
  {
    name: 'decimal, whole',
    expected: '5.0',
    type: 'FLOAT',
    csv: ['DECIMAL(10,2)', '5.00'],
    parquet: '5::DECIMAL(10,2)',
    postgres: '5::numeric(10,2)',
    mariadb: 'CAST(5 AS DECIMAL(10,2))',
    sqlite: ['DECIMAL(10,2)', '5.00'],
  },
  {
    name: 'decimal, to the nearest float',
    expected: '12345678901234567890.123456789',
    type: 'FLOAT',
    csv: ['DECIMAL(38,9)', '12345678901234567890.123456789'],
    parquet: `'12345678901234567890.123456789'::DECIMAL(38,9)`,
    postgres: '12345678901234567890.123456789::numeric',
    mariadb: 'CAST(12345678901234567890.123456789 AS DECIMAL(40,9))',
  },
  { name: 'float of an expression', expected: '3.0', type: 'FLOAT', sqlite: ['', '1.5 * 2'] },
];

const texts: readonly ValueCase[] = [
  {
    name: 'empty text',
    expected: `''`,
    type: 'STRING',
    parquet: `''`,
    postgres: `''`,
    mariadb: `''`,
    sqlite: ['TEXT', `''`],
  },
  {
    name: 'astral characters, accents and line breaks',
    expected: `'😀 e\\u0301 \\uFEFF 名\\r\\n"q"'`,
    type: 'STRING',
    csv: ['VARCHAR', `"😀 e\u0301 \uFEFF 名\r\n""q"""`],
    parquet: `'😀 e\u0301 \uFEFF 名\r\n"q"'`,
    postgres: `'😀 e\u0301 \uFEFF 名\r\n"q"'`,
    mariadb: `'😀 e\u0301 \uFEFF 名\r\n"q"'`,
    sqlite: ['TEXT', `'😀 e\u0301 \uFEFF 名\r\n"q"'`],
  },
  ...['\ufeffa', '\ufeffmore than twelve bytes'].map((text) => ({
    name: `a byte order mark before ${text.length} characters`,
    expected: `'${text}'`,
    type: 'STRING',
    csv: ['VARCHAR', text] as const,
    parquet: `'${text}'`,
    postgres: `'${text}'`,
    mariadb: `'${text}'`,
    sqlite: ['TEXT', `'${text}'`] as const,
  })),
  {
    name: 'NUL in a text',
    expected: `'a\\u0000b'`,
    type: 'STRING',
    csv: ['VARCHAR', 'a\0b'],
    parquet: `'a' || chr(0) || 'b'`,
    mariadb: `_utf8mb4 x'610062'`,
    sqlite: ['TEXT', `'a' || char(0) || 'b'`],
  },
  {
    name: 'a text of a megabyte',
    expected: `reduce(s = 'ä', i IN range(1, 19) | s + s)`,
    type: 'STRING',
    csv: ['VARCHAR', 'ä'.repeat(2 ** 19)],
    parquet: `repeat('ä', ${2 ** 19})`,
    postgres: `repeat('ä', ${2 ** 19})`,
    mariadb: `REPEAT('ä', ${2 ** 19})`,
    sqlite: ['TEXT', `replace(hex(zeroblob(${2 ** 18})), '0', 'ä')`],
  },
  {
    name: 'a text that looks like a number',
    expected: `'007'`,
    type: 'STRING',
    csv: ['VARCHAR', '007'],
    parquet: `'007'`,
    postgres: `'007'`,
    mariadb: `'007'`,
    sqlite: ['TEXT', `'007'`],
  },
];

const booleans: readonly ValueCase[] = [true, false].map((value) => ({
  name: `boolean ${value}`,
  expected: String(value),
  type: 'BOOLEAN',
  csv: ['BOOLEAN', String(value)],
  parquet: String(value),
  postgres: String(value),
  mariadb: `b${value ? 1 : 0}`,
  sqlite: ['BOOLEAN', String(value)],
}));

const dates: readonly ValueCase[] = [
  {
    name: 'date before 1582',
    expected: `date('1500-02-28')`,
    type: 'DATE',
    csv: ['DATE', '1500-02-28'],
    parquet: `DATE '1500-02-28'`,
    postgres: `date '1500-02-28'`,
    mariadb: `DATE '1500-02-28'`,
    sqlite: ['DATE', `'1500-02-28'`],
  },
  {
    name: 'date before Christ',
    expected: `date('-0043-03-15')`,
    type: 'DATE',
    csv: ['DATE', '0044-03-15 (BC)'],
    parquet: `DATE '0044-03-15 (BC)'`,
    postgres: `date '0044-03-15 BC'`,
    sqlite: ['DATE', `'-0043-03-15'`],
  },
  {
    name: 'date of year 0',
    expected: `date('0000-02-29')`,
    type: 'DATE',
    csv: ['DATE', '0001-02-29 (BC)'],
    parquet: `DATE '0001-02-29 (BC)'`,
    postgres: `date '0001-02-29 BC'`,
    sqlite: ['DATE', `'0000-02-29'`],
  },
  {
    name: 'date after 9999',
    expected: `date('+12345-06-07')`,
    type: 'DATE',
    csv: ['DATE', '12345-06-07'],
    parquet: `DATE '12345-06-07'`,
    postgres: `date '12345-06-07'`,
    sqlite: ['DATE', `'+12345-06-07'`],
  },
  {
    name: 'last date of DuckDB and PostgreSQL',
    expected: `date('+5874897-12-31')`,
    type: 'DATE',
    csv: ['DATE', '5874897-12-31'],
    parquet: `DATE '5874897-12-31'`,
    postgres: `date '5874897-12-31'`,
  },
];

const localDateTimes: readonly ValueCase[] = [
  {
    name: 'local datetime with microseconds',
    expected: `localdatetime('2020-02-29T23:59:59.123456')`,
    type: 'LOCAL DATETIME',
    csv: ['TIMESTAMP', '2020-02-29 23:59:59.123456'],
    parquet: `TIMESTAMP '2020-02-29 23:59:59.123456'`,
    postgres: `timestamp '2020-02-29 23:59:59.123456'`,
    mariadb: `CAST('2020-02-29 23:59:59.123456' AS DATETIME(6))`,
    sqlite: ['DATETIME', `'2020-02-29 23:59:59.123456'`],
  },
  {
    name: 'local datetime with nanoseconds',
    expected: `localdatetime('1969-12-31T23:59:59.123456789')`,
    type: 'LOCAL DATETIME',
    csv: ['TIMESTAMP_NS', '1969-12-31 23:59:59.123456789'],
    parquet: `TIMESTAMP_NS '1969-12-31 23:59:59.123456789'`,
    sqlite: ['TIMESTAMP', `'1969-12-31T23:59:59.123456789'`],
  },
  {
    name: 'local datetime before Christ',
    expected: `localdatetime('-0043-03-15T12:00:00.000001')`,
    type: 'LOCAL DATETIME',
    csv: ['TIMESTAMP', '0044-03-15 (BC) 12:00:00.000001'],
    parquet: `TIMESTAMP '0044-03-15 (BC) 12:00:00.000001'`,
    postgres: `timestamp '0044-03-15 12:00:00.000001 BC'`,
  },
  {
    name: 'local datetime far away',
    expected: `localdatetime('+290000-12-31T23:59:59.999999')`,
    type: 'LOCAL DATETIME',
    csv: ['TIMESTAMP', '290000-12-31 23:59:59.999999'],
    parquet: `TIMESTAMP '290000-12-31 23:59:59.999999'`,
    postgres: `timestamp '290000-12-31 23:59:59.999999'`,
  },
];

const zoned: readonly ValueCase[] = [
  {
    name: 'instant',
    expected: `datetime('2020-07-02T01:04:05.000006Z')`,
    type: 'ZONED DATETIME',
    csv: ['TIMESTAMPTZ', '2020-07-02 03:04:05.000006+02:00'],
    parquet: `TIMESTAMPTZ '2020-07-02 03:04:05.000006+02'`,
    postgres: `timestamptz '2020-07-02 03:04:05.000006+02'`,
    mariadb: 'at',
  },
  {
    name: 'instant given with the name of a zone, without an offset in the source',
    expected: `datetime('2020-07-02T01:04:05Z')`,
    type: 'ZONED DATETIME',
    csv: ['TIMESTAMPTZ', '2020-07-02 03:04:05 Europe/Paris'],
    parquet: `TIMESTAMPTZ '2020-07-02 03:04:05 Europe/Paris'`,
    postgres: `timestamptz '2020-07-02 03:04:05 Europe/Paris'`,
  },
  {
    name: 'instant given without any offset',
    expected: `datetime('2020-07-02T03:04:05Z')`,
    type: 'ZONED DATETIME',
    csv: ['TIMESTAMPTZ', '2020-07-02 03:04:05'],
    parquet: `TIMESTAMPTZ '2020-07-02 03:04:05'`,
  },
  {
    name: 'instant beyond the dates of JavaScript',
    expected: `datetime('+290000-12-31T23:59:59Z')`,
    type: 'ZONED DATETIME',
    csv: ['TIMESTAMPTZ', '290000-12-31 23:59:59+00'],
    parquet: `TIMESTAMPTZ '290000-12-31 23:59:59+00'`,
    postgres: `timestamptz '290000-12-31 23:59:59+00'`,
  },
  {
    name: 'instant before Christ',
    expected: `datetime('-0043-03-15T12:00:00Z')`,
    type: 'ZONED DATETIME',
    csv: ['TIMESTAMPTZ', '0044-03-15 (BC) 12:00:00+00'],
    parquet: `TIMESTAMPTZ '0044-03-15 (BC) 12:00:00+00'`,
    postgres: `timestamptz '0044-03-15 12:00:00+00 BC'`,
  },
  {
    name: 'datetime with an offset to the second',
    expected: '$toTheSecond',
    type: 'ZONED DATETIME',
    sqlite: ['DATETIME', `'1900-01-01T00:00:00.000000001-05:17:32'`],
  },
  {
    name: 'datetime with a named zone, at the second of two equal hours',
    expected: `datetime('2020-10-25T02:30:00+01:00[Europe/Paris]')`,
    type: 'ZONED DATETIME',
  },
  {
    name: 'datetime with a named zone of long ago',
    expected: `datetime('-0044-03-15T00:00:00[Europe/Rome]')`,
    type: 'ZONED DATETIME',
  },
  {
    name: 'datetime at the widest offset, in the last year of all',
    expected: `datetime('+999999999-12-31T05:59:59.999999999-18:00')`,
    type: 'ZONED DATETIME',
  },
  {
    name: 'date in the first year of all',
    expected: `date('-999999999-01-01')`,
    type: 'DATE',
  },
];

const times: readonly ValueCase[] = [
  {
    name: 'local time',
    expected: `localtime('23:59:59.999999')`,
    type: 'LOCAL TIME',
    csv: ['TIME', '23:59:59.999999'],
    parquet: `TIME '23:59:59.999999'`,
    postgres: `time '23:59:59.999999'`,
    mariadb: `CAST('23:59:59.999999' AS TIME(6))`,
    sqlite: ['TIME', `'23:59:59.999999'`],
  },
  {
    name: 'time with an offset',
    expected: `time('10:00:00.000001+05:30')`,
    type: 'ZONED TIME',
    csv: ['TIMETZ', '10:00:00.000001+05:30'],
    postgres: `timetz '10:00:00.000001+05:30'`,
  },
  {
    name: 'the end of a day, which is no Neo4j time, as text',
    expected: `'24:00:00'`,
    type: 'STRING',
    csv: ['TIME', '24:00:00'],
    parquet: `TIME '24:00:00'`,
    postgres: `time '24:00:00'`,
    sqlite: ['TIME', `'24:00:00'`],
  },
];

const durations: readonly ValueCase[] = [
  {
    name: 'duration',
    expected: `duration({months: 14, days: 3, seconds: 3661, nanoseconds: 500000000})`,
    type: 'DURATION',
    csv: ['INTERVAL', '14 months 3 days 1 hour 1 minute 1.5 seconds'],
    parquet: `INTERVAL '14 months 3 days 1 hour 1 minute 1.5 seconds'`,
    postgres: `interval '14 months 3 days 1 hour 1 minute 1.5 seconds'`,
  },
  {
    name: 'negative duration',
    expected: `duration({months: -1, days: 2, seconds: -1, nanoseconds: 500000000})`,
    type: 'DURATION',
    csv: ['INTERVAL', '-1 month 2 days -0.5 seconds'],
    postgres: `interval '-1 month 2 days -0.5 seconds'`,
  },
  {
    name: 'a MySQL time that is no time of a day',
    expected: `duration({seconds: -3020399})`,
    type: 'DURATION',
    mariadb: `CAST('-838:59:59' AS TIME)`,
  },
  {
    name: 'a duration of more seconds than a number holds',
    expected: `duration({seconds: 9007199254740993})`,
    type: 'DURATION',
  },
];

const others: readonly ValueCase[] = [
  {
    name: 'bytes',
    expected: '$bytes',
    type: 'LIST<INTEGER>',
    csv: ['BLOB', '\\x00\\xFF\\x80'],
    parquet: `'\\x00\\xFF\\x80'::BLOB`,
    postgres: `'\\x00ff80'::bytea`,
    mariadb: `x'00ff80'`,
    sqlite: ['BLOB', `x'00ff80'`],
  },
  { name: 'point in a plane', expected: 'point({x: 1.5, y: -2.0})', type: 'POINT' },
  { name: 'place on earth', expected: 'point({longitude: 12.5, latitude: -41.9, height: 1})', type: 'POINT' },
  {
    name: 'JSON text',
    expected: `'{"a": [1, null]}'`,
    type: 'STRING',
    csv: ['VARCHAR', `"{""a"": [1, null]}"`],
    parquet: `'{"a": [1, null]}'`,
    postgres: `'{"a": [1, null]}'`,
    mariadb: `'{"a": [1, null]}'`,
    sqlite: ['TEXT', `'{"a": [1, null]}'`],
  },
  {
    name: 'UUID, as text',
    expected: `'550e8400-e29b-41d4-a716-446655440000'`,
    type: 'STRING',
    csv: ['UUID', '550e8400-e29b-41d4-a716-446655440000'],
    parquet: `'550e8400-e29b-41d4-a716-446655440000'::UUID`,
    postgres: `'550e8400-e29b-41d4-a716-446655440000'::uuid`,
  },
  { name: 'money, as text', expected: `'$1,234.50'`, type: 'STRING', postgres: `'1234.5'::money` },
  { name: 'point of PostgreSQL, as text', expected: `'(1,2)'`, type: 'STRING', postgres: `'(1,2)'::point` },
  {
    name: 'a day that no calendar has, as text',
    expected: `'2020-02-30'`,
    type: 'STRING',
    sqlite: ['DATE', `'2020-02-30'`],
  },
  {
    name: 'JSON list',
    expected: '[1, 2]',
    type: 'LIST<INTEGER>',
    postgres: `'[1, 2]'::jsonb`,
    sqlite: ['JSON', `'[1, 2]'`],
  },
];

const lists: readonly ValueCase[] = [
  {
    name: 'empty list',
    expected: '[]',
    type: 'LIST<NOTHING>',
    csv: ['INTEGER[]', '[]'],
    parquet: '[]::INTEGER[]',
    postgres: 'ARRAY[]::int[]',
  },
  {
    name: 'list of integers',
    expected: `[1, toInteger('9223372036854775807')]`,
    type: 'LIST<INTEGER>',
    csv: ['BIGINT[]', '"[1, 9223372036854775807]"'],
    parquet: '[1, 9223372036854775807]',
    postgres: 'ARRAY[1, 9223372036854775807]::bigint[]',
  },
  {
    name: 'vector of whole floats',
    expected: '[1.0, 2.0, -0.0]',
    type: 'LIST<FLOAT>',
    csv: ['DOUBLE[]', '"[1, 2, -0.0]"'],
    parquet: `[1::FLOAT, 2::FLOAT, '-0.0'::FLOAT]`,
    postgres: `ARRAY['1', '2', '-0']::float8[]`,
  },
  {
    name: 'vector of a fixed length',
    expected: '[1.0, 0.25]',
    type: 'LIST<FLOAT>',
    csv: ['FLOAT[2]', '"[1, 0.25]"'],
    parquet: 'array_value(1::FLOAT, 0.25::FLOAT)',
    postgres: 'ARRAY[1, 0.25]::float4[]',
  },
  {
    name: 'list of decimals',
    expected: '[1.0, 2.5]',
    type: 'LIST<FLOAT>',
    csv: ['DECIMAL(5,2)[]', '"[1, 2.5]"'],
    parquet: '[1::DECIMAL(5,2), 2.5]',
    postgres: 'ARRAY[1, 2.5]::numeric[]',
  },
  {
    name: 'list of floats that are no numbers',
    expected: '[1.0 / 0.0, -1.0 / 0.0]',
    type: 'LIST<FLOAT>',
    csv: ['DOUBLE[]', '"[inf, -inf]"'],
    parquet: `['inf'::DOUBLE, '-inf'::DOUBLE]`,
    postgres: `ARRAY['Infinity', '-Infinity']::float8[]`,
  },
  {
    name: 'list of texts',
    expected: `['', 'a,"b', '😀']`,
    type: 'LIST<STRING>',
    parquet: `['', 'a,"b', '😀']`,
    postgres: `ARRAY['', 'a,"b', '😀']`,
  },
  {
    name: 'list of booleans',
    expected: '[true, false]',
    type: 'LIST<BOOLEAN>',
    csv: ['BOOLEAN[]', '"[true, false]"'],
    parquet: '[true, false]',
    postgres: 'ARRAY[true, false]',
  },
  {
    name: 'list of dates',
    expected: `[date('-0043-03-15'), date('+12345-06-07')]`,
    type: 'LIST<DATE>',
    csv: ['DATE[]', '"[0044-03-15 (BC), 12345-06-07]"'],
    parquet: `[DATE '0044-03-15 (BC)', DATE '12345-06-07']`,
    postgres: `ARRAY[date '0044-03-15 BC', date '12345-06-07']`,
  },
  {
    name: 'list of local datetimes',
    expected: `[localdatetime('2020-01-01T00:00:00.000001')]`,
    type: 'LIST<LOCAL DATETIME>',
    csv: ['TIMESTAMP[]', '[2020-01-01 00:00:00.000001]'],
    parquet: `[TIMESTAMP '2020-01-01 00:00:00.000001']`,
    postgres: `ARRAY[timestamp '2020-01-01 00:00:00.000001']`,
  },
  {
    name: 'list of instants',
    expected: `[datetime('2020-01-01T00:00:00Z')]`,
    type: 'LIST<ZONED DATETIME>',
    csv: ['TIMESTAMPTZ[]', '[2020-01-01 00:00:00+00]'],
    parquet: `[TIMESTAMPTZ '2020-01-01 00:00:00+00']`,
    postgres: `ARRAY[timestamptz '2020-01-01 00:00:00+00']`,
  },
  {
    name: 'list of local times',
    expected: `[localtime('23:59:59.5')]`,
    type: 'LIST<LOCAL TIME>',
    csv: ['TIME[]', '[23:59:59.5]'],
    parquet: `[TIME '23:59:59.5']`,
    postgres: `ARRAY[time '23:59:59.5']`,
  },
  {
    name: 'list of times with an offset',
    expected: `[time('10:00:00+05:30')]`,
    type: 'LIST<ZONED TIME>',
    csv: ['TIMETZ[]', '[10:00:00+05:30]'],
    postgres: `ARRAY[timetz '10:00:00+05:30']`,
  },
  {
    name: 'list of durations',
    expected: `[duration({months: 1, days: 2})]`,
    type: 'LIST<DURATION>',
    csv: ['INTERVAL[]', '[1 month 2 days]'],
    parquet: `[INTERVAL '1 month 2 days']`,
    postgres: `ARRAY[interval '1 month 2 days']`,
  },
  { name: 'list of points', expected: '[point({x: 1, y: 2}), point({x: 3, y: 4})]', type: 'LIST<POINT>' },
];

export const VALUE_CASES: readonly ValueCase[] = [
  ...integers,
  ...floats,
  ...texts,
  ...booleans,
  ...dates,
  ...localDateTimes,
  ...zoned,
  ...times,
  ...durations,
  ...others,
  ...lists,
];
