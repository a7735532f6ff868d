/** What a run is of: parts by name, each with its values; compared value by value. */
export type Fingerprint = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Says in what two fingerprints differ, a sentence a value; none where they are equal. */
export function differencesOf(was: Fingerprint, is: Fingerprint): readonly string[] {
  const [before, now] = [leavesOf(was), leavesOf(is)];
  return [...new Set([...before.keys(), ...now.keys()])]
    .filter((path) => before.get(path) !== now.get(path))
    .map((path) => `${path} was ${shown(before.get(path))}, is ${shown(now.get(path))}`);
}

/** Every value by its path, as JSON: the part, a blank, and the names and positions that lead to it. */
function leavesOf(fingerprint: Fingerprint): ReadonlyMap<string, string> {
  const leaves = new Map<string, string>();
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) leaves.set(path, JSON.stringify(value));
    else for (const [name, inner] of Object.entries(value)) visit(inner, `${path}.${name}`);
  };
  for (const [part, values] of Object.entries(JSON.parse(JSON.stringify(fingerprint)) as Fingerprint))
    for (const [name, value] of Object.entries(values)) visit(value, `${part} ${name}`);
  return leaves;
}

const SHOWN_CHARACTERS = 80;

function shown(json = 'nothing'): string {
  return json.length > SHOWN_CHARACTERS ? `${json.slice(0, SHOWN_CHARACTERS)}…` : json;
}
