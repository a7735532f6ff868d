// Imports go from a layer to those to its left, never up, and never in a circle. Prints what breaks that.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const LAYERS = [
  ['core'],
  ['parallel'],
  ['mapping'],
  ['sinks', 'sources', 'sql', 'transforms', 'neo4j'],
  ['tasks'],
  ['reporting', 'instrumentation'],
  ['context'],
  ['cli', 'testing'],
  ['index.ts'],
];

/** Checks the sources below `src`; gives a list of sentences, empty when all is well. */
export function checkImports(src) {
  const files = readdirSync(src, { recursive: true }).filter((file) => /(?<!\.d)\.ts$/.test(file));
  const graph = new Map(files.map((file) => [file, importsOf(src, file)]));
  return [...upward(graph), ...circles(graph)];
}

function importsOf(src, file) {
  const text = readFileSync(join(src, file), 'utf8');
  const found = text.matchAll(/^(?:import|export)\s(?:[^;'"]*?\sfrom\s*)?['"](\.{1,2}\/[^'"]+)['"]/gm);
  return [...found].map(([, path]) => relative(src, resolve(src, dirname(file), path)));
}

function layerOf(file) {
  const layer = LAYERS.findIndex((names) => names.includes(file.split('/')[0]));
  if (layer < 0) throw new Error(`src/${file} is in no layer; add its folder to scripts/check-imports.mjs.`);
  return layer;
}

function upward(graph) {
  return [...graph].flatMap(([file, imports]) =>
    imports
      .filter((imported) => layerOf(imported) > layerOf(file))
      .map((imported) => `src/${file} imports upward: src/${imported}`),
  );
}

function circles(graph) {
  const found = [];
  const done = new Set();
  const visit = (file, path) => {
    const at = path.indexOf(file);
    if (at >= 0) found.push(`circle: ${[...path.slice(at), file].map((name) => `src/${name}`).join(' → ')}`);
    if (at >= 0 || done.has(file)) return;
    for (const imported of graph.get(file) ?? []) visit(imported, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = checkImports(fileURLToPath(new URL('../src', import.meta.url)));
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exit(problems.length > 0 ? 1 : 0);
}
