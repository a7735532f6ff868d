/** Draws the loaded graph: airports where they are, the busiest routes between them. All numbers come from queries. */
import { readFileSync } from 'node:fs';
import { type GeoPermissibleObjects, geoAlbersUsa, geoPath } from 'd3-geo';
import type { ETLContext } from 'graphweft';
import { feature, mesh } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import { dataFile } from './data.ts';
import { type Label, placeLabels } from './label-placement.ts';

const WIDTH = 1200;
const HEIGHT = 760;
const ROUTES = 350;
const LABELS = 22;
const MAX_RADIUS = 15;

const INK = {
  background: '#0a0f1e',
  land: '#141c33',
  border: '#37456f',
  route: '#ffb454',
  airport: '#5ec8ff',
  text: '#e6ecff',
  quiet: '#8e9bc0',
};

interface Airport {
  readonly iata: string;
  readonly flights: number;
  readonly x: number;
  readonly y: number;
}

interface Route {
  readonly from: string;
  readonly to: string;
  readonly flights: number;
}

/** Gives the picture as SVG. */
export async function drawPicture(context: ETLContext): Promise<string> {
  const [routes, places, span] = await Promise.all([routesOf(context), placesOf(context), spanOf(context)]);
  const projection = geoAlbersUsa().fitExtent(
    [
      [30, 84],
      [WIDTH - 30, HEIGHT - 34],
    ],
    states().land as GeoPermissibleObjects,
  );
  const airports = placeAirports(routes, places, (point) => projection(point) ?? undefined);
  const total = routes.reduce((sum, { flights }) => sum + flights, 0);
  const path = geoPath(projection).digits(1);
  const { land, borders } = states();
  const shown = [...airports.values()].sort((a, b) => b.flights - a.flights);
  const busiest = routes
    .filter(({ from, to }) => airports.has(from) && airports.has(to))
    .sort((a, b) => b.flights - a.flights)
    .slice(0, ROUTES);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="Inter, 'Helvetica Neue', Helvetica, Arial, sans-serif">
<title>US flights in Neo4j: ${count(total)} flights between ${places.size} airports</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="${INK.background}"/>
<path d="${path(land as GeoPermissibleObjects) ?? ''}" fill="${INK.land}"/>
<path d="${path(borders) ?? ''}" fill="none" stroke="${INK.border}" stroke-width="0.7" stroke-linejoin="round"/>
<g fill="none" stroke="${INK.route}" stroke-linecap="round">
${busiest
  .reverse()
  .map((route) => drawRoute(route, airports, busiest.at(-1)!.flights))
  .join('\n')}
</g>
<g fill="${INK.airport}" stroke="${INK.background}" stroke-width="0.8">
${shown.map((airport) => drawAirport(airport, shown[0]!.flights)).join('\n')}
</g>
<g fill="${INK.text}" font-size="12" font-weight="600" stroke="${INK.background}" stroke-width="3" paint-order="stroke" stroke-linejoin="round">
${placeLabels(labelsOf(shown), { width: WIDTH, height: HEIGHT }).map(drawLabel).join('\n')}
</g>
<text x="36" y="46" fill="${INK.text}" font-size="25" font-weight="700">${count(total)} flights between ${places.size} airports</text>
<text x="36" y="70" fill="${INK.quiet}" font-size="14">${span} · the ${busiest.length} busiest routes · each airport’s area by its flights</text>
${drawLegend(shown[0]!.flights)}
<text x="${WIDTH - 36}" y="${HEIGHT - 16}" fill="${INK.quiet}" font-size="11" text-anchor="end">Drawn from queries against Neo4j, loaded by graphweft · data: vega-datasets</text>
</svg>
`;
}

async function routesOf(context: ETLContext): Promise<readonly Route[]> {
  const { rows } = await context.neo4j.query(
    `MATCH (a:Airport)-[f:FLIGHT]->(b:Airport)
     WITH CASE WHEN a.iata < b.iata THEN [a.iata, b.iata] ELSE [b.iata, a.iata] END AS ends, count(f) AS flights
     RETURN ends[0] AS from, ends[1] AS to, sum(flights) AS flights`,
  );
  return rows as unknown as readonly Route[];
}

async function placesOf(context: ETLContext): Promise<ReadonlyMap<string, readonly [number, number]>> {
  const { rows } = await context.neo4j.query(
    'MATCH (a:Airport) WHERE (a)-[:FLIGHT]-() RETURN a.iata AS iata, a.longitude AS longitude, a.latitude AS latitude',
  );
  return new Map(
    rows.map(({ iata, longitude, latitude }) => [String(iata), [Number(longitude), Number(latitude)]]),
  );
}

async function spanOf(context: ETLContext): Promise<string> {
  const { rows } = await context.neo4j.query(
    'MATCH ()-[f:FLIGHT]->() RETURN toString(date(min(f.date))) AS first, toString(date(max(f.date))) AS last',
  );
  return `${rows[0]?.first} to ${rows[0]?.last}`;
}

function placeAirports(
  routes: readonly Route[],
  places: ReadonlyMap<string, readonly [number, number]>,
  project: (point: [number, number]) => [number, number] | undefined,
): ReadonlyMap<string, Airport> {
  const flights = new Map<string, number>();
  for (const route of routes) {
    for (const end of [route.from, route.to]) flights.set(end, (flights.get(end) ?? 0) + route.flights);
  }
  const airports = new Map<string, Airport>();
  for (const [iata, [longitude, latitude]] of places) {
    const at = project([longitude, latitude]);
    // The projection has no place for the islands far out; their flights still count at the other end.
    if (at) airports.set(iata, { iata, flights: flights.get(iata) ?? 0, x: at[0], y: at[1] });
  }
  return airports;
}

function states(): { readonly land: unknown; readonly borders: GeoPermissibleObjects } {
  const topology = JSON.parse(readFileSync(dataFile('us-10m.json'), 'utf8')) as Topology;
  const objects = topology.objects as {
    readonly states: GeometryCollection;
    readonly land: GeometryCollection;
  };
  const borders = mesh(topology, objects.states, (a, b) => a !== b) as GeoPermissibleObjects;
  return { land: feature(topology, objects.land), borders };
}

/** A curve that bends upwards, more for a longer route; the busiest are drawn last, on top. */
function drawRoute(route: Route, airports: ReadonlyMap<string, Airport>, most: number): string {
  const a = airports.get(route.from)!;
  const b = airports.get(route.to)!;
  const share = Math.sqrt(route.flights / most);
  const bend = 0.16 * Math.hypot(b.x - a.x, b.y - a.y);
  const x = (a.x + b.x) / 2;
  const y = (a.y + b.y) / 2 - bend;
  const stroke = `stroke-width="${(0.4 + 2.2 * share ** 1.5).toFixed(2)}" stroke-opacity="${(0.1 + 0.6 * share ** 1.5).toFixed(2)}"`;
  return `<path d="M${fixed(a.x)} ${fixed(a.y)}Q${fixed(x)} ${fixed(y)} ${fixed(b.x)} ${fixed(b.y)}" ${stroke}/>`;
}

function radiusOf(flights: number, most: number): number {
  return Math.max(0.9, MAX_RADIUS * Math.sqrt(flights / most));
}

function drawAirport({ x, y, flights, iata }: Airport, most: number): string {
  return `<circle cx="${fixed(x)}" cy="${fixed(y)}" r="${fixed(radiusOf(flights, most))}" fill-opacity="0.9"><title>${iata}: ${count(flights)} flights</title></circle>`;
}

function labelsOf(airports: readonly Airport[]): readonly Label[] {
  const most = airports[0]?.flights ?? 1;
  return airports
    .slice(0, LABELS)
    .map(({ iata, x, y, flights }) => ({ text: iata, x, y, radius: radiusOf(flights, most) }));
}

function drawLabel({ text, x, y }: Label): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}">${text}</text>`;
}

function drawLegend(most: number): string {
  const step = 10 ** Math.floor(Math.log10(most));
  const sizes = [most, most / 4, most / 20].map((size) =>
    Math.max(1, Math.round(size / (step / 10)) * (step / 10)),
  );
  const x = WIDTH - 52;
  const bottom = HEIGHT - 50;
  const circles = sizes.map((size, i) => {
    const radius = radiusOf(size, most);
    const y = bottom - 92 + i * 34;
    return `<circle cx="${x}" cy="${y}" r="${fixed(radius)}" fill="${INK.airport}" fill-opacity="0.9"/>
<text x="${x - 24}" y="${y + 4}" text-anchor="end">${count(size)}</text>`;
  });
  return `<g fill="${INK.quiet}" font-size="12">
<text x="${x + 16}" y="${bottom - 118}" text-anchor="end">flights from and to</text>
${circles.join('\n')}
</g>`;
}

function count(n: number): string {
  return Math.round(n).toLocaleString('en-US');
}

function fixed(n: number): string {
  return n.toFixed(1);
}
