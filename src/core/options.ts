import { ConfigError } from './errors.ts';

/** Returns `value`, or throws a {@link ConfigError} that names option, expectation and value. */
export function integerOption(
  name: string,
  value: unknown,
  { min, max = Number.MAX_SAFE_INTEGER }: { readonly min: number; readonly max?: number },
): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw optionError(name, `an integer ${range}`, value);
}

/** Returns `value` when it is a non-blank string. */
export function stringOption(name: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw optionError(name, 'a non-blank string', value);
}

/** Returns `value` when it is one of `choices`. */
export function choiceOption<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw optionError(name, `one of ${choices.map((choice) => `"${choice}"`).join(', ')}`, value);
}

/** Returns `value` when it is a function. */
export function functionOption<T>(name: string, value: T): T {
  if (typeof value === 'function') return value;
  throw optionError(name, 'a function', value);
}

/** Returns `value` when it is true or false: a text such as 'false' would count as true. */
export function booleanOption(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw optionError(name, 'true or false', value);
}

/** Returns `value` when it is a list of non-blank strings: of one string each letter would count as a name. */
export function namesOption(name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw optionError(name, 'a list of names', value);
  return value.map((item) => stringOption(name, item));
}

/** Returns `value` when it is such a list, and not empty. */
export function someNamesOption(name: string, value: unknown): readonly string[] {
  const names = namesOption(name, value);
  if (names.length === 0) throw optionError(name, 'a list of at least one name', value);
  return names;
}

/** Returns a statement's `parameters` when they are an object: those of a list or a text would be named 0, 1, …. */
export function parametersOption<T extends object>(parameters: T): T {
  if (typeof parameters === 'object' && parameters !== null && !Array.isArray(parameters)) return parameters;
  throw optionError('parameters', 'an object with a value for each name', parameters);
}

/** Builds the error for a bad option: name, what was expected, what came. */
export function optionError(name: string, expected: string, got: unknown): ConfigError {
  return new ConfigError(
    'GW_CONFIG_OPTION',
    `Option \`${name}\` must be ${expected}, got ${describeValue(got)}.`,
    { details: { option: name } },
  );
}

/** Returns the options of `what` when they are an object: a call from JavaScript can lack them. */
export function givenOptions<T extends object>(what: string, options: T): T {
  if (typeof options === 'object' && options !== null) return options;
  const message = `${what} needs an object with its options, got ${describeValue(options)}.`;
  throw new ConfigError('GW_CONFIG_OPTION', message);
}

/** Refuses keys that are not options, with the nearest name; a misspelt option is otherwise silently ignored. */
export function refuseUnknownKeys(what: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(givenOptions(what, options))) {
    if (known.includes(key)) continue;
    const near = nearestName(key, known);
    throw new ConfigError(
      'GW_CONFIG_UNKNOWN',
      `${what} has no option \`${key}\`${near ? `; did you mean \`${near}\`?` : '.'}`,
      { details: { option: key } },
    );
  }
}

/** Finds the name with the smallest edit distance (Levenshtein 1966), when it is near enough to be a slip. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (!best || distance < best.distance) best = { name: candidate, distance };
  }
  if (!best || best.distance > Math.max(2, Math.floor(name.length / 3))) return undefined;
  // Of names with two letters any other would do.
  return best.distance < Math.max(name.length, best.name.length) ? best.name : undefined;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current[j] = Math.min(previous[j]! + 1, current[j - 1]! + 1, substitution);
    }
    previous = current;
  }
  return previous[b.length]!;
}

const SHOWN_CHARACTERS = 120;

/** Shows a value in a message: short, with its type, never more than a line. */
export function describeValue(value: unknown): string {
  const text = typeof value === 'function' ? 'a function' : inspect(value);
  const type =
    value === null || value === undefined ? '' : ` (${Array.isArray(value) ? 'array' : typeof value})`;
  return `${text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text}${type}`;
}

function inspect(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (
    value === undefined ||
    typeof value === 'symbol' ||
    (typeof value === 'number' && !Number.isFinite(value))
  ) {
    return String(value);
  }
  try {
    return JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v)) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value); // a cycle: its class name must do
  }
}

/** Gives the options of these names that are set; `undefined` counts as not set. */
export function pickOptions<T extends object, K extends keyof T>(
  options: T,
  names: readonly K[],
): Pick<T, K> {
  const set = names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  return Object.fromEntries(set) as Pick<T, K>;
}
