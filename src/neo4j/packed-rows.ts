/**
 * Rows for `$batch`, packed once and handed to the driver as bytes.
 *
 * The driver packs value by value, with a closure for each, and writes to the socket in pieces of 1,400 bytes; in
 * profiles that was most of the client's time. It cannot be given bytes, so the packing of this one kind of value is
 * added to its packer, whose version is pinned. Where the driver is another one, or not built as expected, the rows are
 * a list like any other (they can be iterated), and it packs them itself.
 */
import {
  DOUBLE_WORDS,
  isNullNumber,
  isNullText,
  MAX_INLINE_TEXT,
  nanosOf,
  secondsOf,
  TEXT_PLACE,
} from '../core/packed-values.ts';
import type { RowTable } from '../core/row-table.ts';
import { LocalDate, LocalDateTime, ZonedDateTime } from '../core/temporal.ts';
import { alloc, neo4j, Packer, Structure } from './driver.ts';
import { PackStreamWriter } from './pack-stream.ts';
import { propertyProblem, UnsendableValue } from './property-values.ts';
import {
  DATE,
  fromResultValue,
  INSTANT,
  INSTANT_IN_ZONE,
  instantOf,
  isInteger64,
  isSendableDay,
  isSendableInstant,
  isSendableLocal,
  LOCAL_DATE_TIME,
  sentValue,
  type TableColumn,
  toBatchParameter,
  toObject,
  toTableParameter,
} from './values.ts';

/** A list in packed form, and the same list for a driver that packs it itself. */
export class PackedRows implements Iterable<unknown> {
  /** As they are sent: Bolt's chunks, each after its size in 16 bits. */
  readonly chunks: Buffer;
  /** Whether there are instants among them, of which Bolt before 5.0 spoke in another way. */
  readonly hasInstants: boolean;
  readonly #values: () => Iterable<unknown>;

  constructor(writer: PackStreamWriter, values: () => Iterable<unknown>) {
    this.hasInstants = writer.hasInstants;
    this.chunks = writer.chunks();
    this.#values = values;
  }

  [Symbol.iterator](): Iterator<unknown> {
    return this.#values()[Symbol.iterator]();
  }
}

/**
 * Makes the value of `$batch`: packed when every value is of a common kind, else a list for the driver.
 * @param floatColumns Fields whose whole numbers are floats, as their source says.
 * @param describe Names a row in a message.
 * @throws {@link ValidationError} with a `GW_VALUE_…` code, naming row and field.
 */
export function packRows(
  rows: readonly unknown[],
  floatColumns: ReadonlySet<string>,
  describe?: (index: number) => string,
): Iterable<unknown> {
  const writer = new PackStreamWriter();
  writer.listHeader(rows.length);
  const forDriver = () => toBatchParameter(rows, floatColumns, describe);
  for (const row of rows) if (!writeValue(writer, row, false, floatColumns)) return forDriver();
  return new PackedRows(writer, forDriver);
}

/** Makes the value of `$batch` of rows that are packed already, without making objects of them; see {@link packRows}. */
export function packRowTable(
  table: RowTable,
  floatColumns: ReadonlySet<string>,
  describe?: (index: number) => string,
): Iterable<unknown> {
  const forDriver = () => toBatchParameter(table.rows(), floatColumns, describe);
  const fields = table.layout.names.map((name) => {
    const isFloat = floatColumns.has(name);
    const column = { name, isFloat, valueAt: table.values(name)!, packed: table.packed(name) };
    return { name, write: packedWriter(column) ?? plainWriter(column) };
  });
  const writer = new PackStreamWriter();
  writer.listHeader(table.length);
  for (let row = 0; row < table.length; row++) {
    writer.mapHeader(fields.length);
    for (const { name, write } of fields) if (!writer.name(name) || !write(writer, row)) return forDriver();
  }
  return new PackedRows(writer, forDriver);
}

/**
 * Makes a list of `count` rows, each a list with a value for each column, without ever building one: packed when every
 * value is of a common kind, else a list for the driver. Flat: of one column, the values themselves.
 * @param describeRow Names a row in a message.
 * @throws {@link ValidationError} with a `GW_VALUE_…` code, naming row and column; also for what no property can hold.
 */
export function packTable(
  count: number,
  columns: readonly TableColumn[],
  describeRow: (row: number) => string,
  { isFlat = false }: { readonly isFlat?: boolean } = {},
): Iterable<unknown> {
  const writer = new PackStreamWriter();
  writer.listHeader(count);
  const forDriver = () => {
    const table = toTableParameter(count, columns, describeRow);
    return isFlat ? table.flat() : table;
  };
  const writers = columns.map((column) => packedWriter(column) ?? propertyWriter(column));
  for (let row = 0; row < count; row++) {
    if (!isFlat) writer.listHeader(columns.length);
    for (const write of writers) if (!write(writer, row)) return forDriver();
  }
  return new PackedRows(writer, forDriver);
}

/** Writes the value of a row; says no for one that only the driver can write, or nobody. */
type ValueWriter = (writer: PackStreamWriter, row: number) => boolean;

function plainWriter({ valueAt, isFloat }: TableColumn): ValueWriter {
  return (writer, row) => writeValue(writer, valueAt(row), isFloat);
}

/** Says no also for what no property can hold: the driver's way then says what is wrong with it. */
function propertyWriter({ valueAt, isFloat, isKey }: TableColumn): ValueWriter {
  return (writer, row) => {
    const value = sentValue(valueAt(row), isKey);
    return (
      !(typeof value === 'object' && propertyProblem(value, isFloat)) && writeValue(writer, value, isFloat)
    );
  };
}

/**
 * Gives what writes packed values as they are, without making the value of each; undefined where that cannot be. Any date and
 * time that is packed is one that Neo4j has.
 */
function packedWriter({ packed, isFloat, isKey }: TableColumn): ValueWriter | undefined {
  if (!packed) return undefined;
  const { kind, place, rows } = packed;
  const { words, doubles, stride, offset } = place;
  const wordAt = (row: number) => (rows ? rows[row]! : row) * stride + offset;
  const doubleAt = (row: number) => wordAt(row) / DOUBLE_WORDS;
  switch (kind) {
    case 'number':
      return (writer, row) => {
        const at = doubleAt(row);
        const number = doubles[at]!;
        if (!isNullNumber(place, at)) return writeNumber(writer, isKey ? number + 0 : number, isFloat);
        writer.null();
        return true;
      };
    case 'localDateTime':
    case 'zonedDateTime': {
      const write = kind === 'localDateTime' ? writeLocalDateTime : writeInstant;
      return (writer, row) => {
        const micros = doubles[doubleAt(row)]!;
        if (Number.isNaN(micros)) writer.null();
        else write(writer, secondsOf(micros), nanosOf(micros));
        return true;
      };
    }
    case 'localDate':
      return (writer, row) => {
        const days = doubles[doubleAt(row)]!;
        if (Number.isNaN(days)) writer.null();
        else writeLocalDate(writer, days);
        return true;
      };
    case 'text': {
      const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
      return (writer, row) => {
        const at = wordAt(row);
        const size = words[at]!;
        if (isNullText(words, at)) writer.null();
        else if (size > MAX_INLINE_TEXT) writer.utf8(place.bytes, words[at + TEXT_PLACE]!, size);
        else writer.utf8(bytes, (at + 1) * words.BYTES_PER_ELEMENT, size);
        return true;
      };
    }
    default:
      return kind satisfies never;
  }
}

function writeNumber(writer: PackStreamWriter, value: number, isFloat: boolean): boolean {
  if (isFloat || !Number.isInteger(value) || Object.is(value, -0)) writer.float(value);
  else if (Number.isSafeInteger(value)) writer.integer(value);
  else return false;
  return true;
}

function writeLocalDateTime(writer: PackStreamWriter, epochSecond: number, nanosecond: number): void {
  writer.structHeader(2, LOCAL_DATE_TIME);
  writer.integer(epochSecond);
  writer.integer(nanosecond);
}

function writeInstant(
  writer: PackStreamWriter,
  epochSecond: number,
  nanosecond: number,
  offsetSeconds = 0,
): void {
  writer.hasInstants = true;
  writer.structHeader(3, INSTANT);
  writer.integer(epochSecond);
  writer.integer(nanosecond);
  writer.integer(offsetSeconds);
}

/** With the name of its zone, from which the server finds the offset. */
function writeInstantInZone(
  writer: PackStreamWriter,
  { epochSecond, nanosecond }: ZonedDateTime,
  zoneId: string,
): boolean {
  writer.hasInstants = true;
  writer.structHeader(3, INSTANT_IN_ZONE);
  writer.integer(epochSecond);
  writer.integer(nanosecond);
  return writer.name(zoneId);
}

function writeLocalDate(writer: PackStreamWriter, epochDay: number): void {
  writer.structHeader(1, DATE);
  writer.integer(epochDay);
}

/** Writes a value; says no for one that only the driver can write, or nobody. */
function writeValue(
  writer: PackStreamWriter,
  value: unknown,
  isFloat: boolean,
  floatColumns?: ReadonlySet<string>,
): boolean {
  switch (typeof value) {
    case 'string':
      return writer.string(value);
    case 'number':
      return writeNumber(writer, value, isFloat);
    case 'boolean':
      writer.boolean(value);
      return true;
    case 'bigint':
      if (!isInteger64(value)) return false;
      writer.bigint(value);
      return true;
    case 'undefined':
      writer.null();
      return true;
    case 'object':
      return writeObject(writer, value, isFloat, floatColumns);
    default:
      return false;
  }
}

function writeObject(
  writer: PackStreamWriter,
  value: object | null,
  isFloat: boolean,
  floatColumns?: ReadonlySet<string>,
): boolean {
  if (value === null) {
    writer.null();
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null)
    return writeMap(writer, value as Record<string, unknown>, floatColumns);
  if (prototype === LocalDateTime.prototype) {
    const { epochSecond, nanosecond } = value as LocalDateTime;
    if (!isSendableLocal(value as LocalDateTime)) return false;
    writeLocalDateTime(writer, epochSecond, nanosecond);
    return true;
  }
  if (prototype === LocalDate.prototype) {
    if (!isSendableDay((value as LocalDate).epochDay)) return false;
    writeLocalDate(writer, (value as LocalDate).epochDay);
    return true;
  }
  if (prototype === ZonedDateTime.prototype) return writeZoned(writer, value as ZonedDateTime);
  if (prototype === Array.prototype) {
    const items = value as readonly unknown[];
    writer.listHeader(items.length);
    return items.every((item) => writeValue(writer, item, isFloat));
  }
  try {
    if (value instanceof Date) return writeZoned(writer, instantOf(value));
    return writeParameter(writer, toObject(value, isFloat));
  } catch (error) {
    if (error instanceof UnsendableValue) return false; // the driver's way says where it is
    throw error;
  }
}

function writeZoned(writer: PackStreamWriter, value: ZonedDateTime): boolean {
  if (!isSendableInstant(value)) return false;
  const { epochSecond, nanosecond, offsetSeconds, zoneId } = value;
  if (zoneId !== undefined) return writeInstantInZone(writer, value, zoneId);
  writeInstant(writer, epochSecond, nanosecond, offsetSeconds);
  return true;
}

/** Writes what the driver is given for times, durations, bytes and vectors. */
function writeParameter(writer: PackStreamWriter, parameter: unknown): boolean {
  if (typeof parameter === 'number') {
    writer.float(parameter);
    return true;
  }
  if (neo4j.isInt(parameter)) return writeValue(writer, fromResultValue(parameter), false);
  if (parameter instanceof Int8Array) {
    writer.bytesValue(parameter);
    return true;
  }
  if (Array.isArray(parameter)) {
    writer.listHeader(parameter.length);
    return parameter.every((item) => writeParameter(writer, item));
  }
  if (!(parameter instanceof Structure)) return false;
  const { signature, fields } = parameter;
  writer.structHeader(fields.length, signature);
  return fields.every((field) => writeParameter(writer, field));
}

/** A field that is undefined is not sent, so fields are counted before they are written. */
function writeMap(
  writer: PackStreamWriter,
  map: Record<string, unknown>,
  floatColumns?: ReadonlySet<string>,
): boolean {
  let size = 0;
  for (const key in map) if (map[key] !== undefined) size++;
  writer.mapHeader(size);
  for (const key in map) {
    const value = map[key];
    if (value === undefined) continue;
    if (!writer.name(key)) return false;
    if (!writeValue(writer, value, floatColumns?.has(key) ?? false)) return false;
  }
  return true;
}

/** What is used of a packer: the stream of chunks that it writes to, and the channel below. */
interface PackerInside {
  readonly _ch?: {
    flush?(): unknown;
    readonly _ch?: { write?(buffer: object): unknown };
  };
}

const EPOCH = new neo4j.types.DateTime(1970, 1, 1, 0, 0, 0, 0, 0, null);

/** Whether what a connection makes of an instant is what is packed here. */
function sendsInstants(dehydrate: ((value: unknown) => unknown) | undefined): boolean {
  return (dehydrate?.(EPOCH) as Partial<Structure> | undefined)?.signature === INSTANT;
}

const packable = Packer.prototype.packable;

Packer.prototype.packable = function (this: Packer & PackerInside, value, dehydrate) {
  const chunker = this._ch;
  const channel = chunker?._ch;
  if (!(value instanceof PackedRows) || !chunker?.flush || !channel?.write)
    return packable.call(this, value, dehydrate);
  if (value.hasInstants && !sendsInstants(dehydrate)) return packable.call(this, value, dehydrate);
  return () => {
    chunker.flush!(); // what was packed before goes first
    channel.write!(alloc(value.chunks));
  };
};
