import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ETLContext } from '../../src/context/etl-context.ts';
import { SILENT_REPORTER } from '../../src/core/reporter.ts';
import { uniqueLabel } from '../support/context.ts';
import { useFolder } from '../support/files.ts';
import { runExample } from '../support/process.ts';

const FLIGHTS = 20_000;
const TRIPS = 5_000;

async function ask(cypher: string): Promise<Readonly<Record<string, unknown>>> {
  await using context = new ETLContext({ reporter: SILENT_REPORTER });
  return (await context.neo4j.query(cypher)).rows[0]!;
}

async function clear(...labels: readonly string[]): Promise<void> {
  await using context = new ETLContext({ reporter: SILENT_REPORTER });
  for (const label of labels) {
    await context.neo4j.query(`MATCH (n:${label}) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 500 ROWS`);
  }
}

afterAll(() => clear('Airport', 'Trip', 'Location', 'StopTime', 'Stop', 'Route', 'Agency', 'Service', 'Day'));

describe('the flights demo', () => {
  it('loads real flights, reads the same counts back and draws them', async () => {
    const picture = useFolder().path('flights.svg');
    const { exitCode, stdout, stderr } = await runExample('flights', [
      '--rows',
      String(FLIGHTS),
      '--picture',
      picture,
      '--replace',
    ]);
    expect(stderr).toContain('US flights: done');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/nodes \(:Airport\)\s+│\s+3,376 │\s+3,376 │/);
    expect(stdout).toMatch(/relationships \(:FLIGHT\)\s+│ 20,000 │\s+20,000 │/);
    expect(stdout).toMatch(/retries\s+│\s+0 │/);
    expect(stdout).toContain('npx graphweft cypher');
    expect(stdout).not.toContain(process.env.NEO4J_PASSWORD);
    const { flights, delays } = await ask(
      'MATCH (:Airport)-[f:FLIGHT]->(:Airport) RETURN count(f) AS flights, sum(f.delay) AS delays',
    );
    expect(flights).toBe(FLIGHTS);
    expect(Number(delays)).not.toBe(0);
    const svg = readFileSync(picture, 'utf8');
    for (const code of ['ORD', 'ATL', 'DFW', 'LAX']) expect(svg).toContain(`>${code}<`);
    expect(svg).toContain('20,000 flights between');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('does not touch airports of somebody else', async () => {
    await clear('Airport');
    await ask("CREATE (a:Airport {iata: 'MINE'}) RETURN a");
    const { exitCode, stderr } = await runExample('flights', [
      '--rows',
      '10',
      '--picture',
      useFolder().path('f.svg'),
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('holds 1 :Airport nodes already; --replace deletes them');
    expect(await ask('MATCH (a:Airport) RETURN count(a) AS airports')).toEqual({ airports: 1 });
  });

  it('stops on Ctrl-C with a true account', async () => {
    const args = ['--rows', '1000000', '--picture', useFolder().path('f.svg'), '--replace'];
    const interruptAt = { text: 'flights: started', signal: 'SIGINT' } as const;
    const { exitCode, stdout, stderr } = await runExample('flights', args, {
      interruptAt,
      env: { ...process.env, GRAPHWEFT_REPORTER: 'plain' },
    });
    expect(stderr).toContain('SIGINT: finishing what runs');
    expect(stderr).toContain('(GW_ABORTED)');
    expect(exitCode).toBe(130);
    const [, loaded, found] = /:FLIGHT\)\s+│\s+([\d,]+) │\s+([\d,]+) │/.exec(stdout) ?? [];
    expect(loaded).toBeDefined();
    expect(found).toBe(loaded);
    const { flights } = await ask('MATCH (:Airport)-[f:FLIGHT]->() RETURN count(f) AS flights');
    expect(Number(flights).toLocaleString('en-US')).toBe(found);
    expect(Number(flights)).toBeLessThan(1_000_000);
  });
});

describe('the taxi example', () => {
  it('makes the same graph with one writer and in parallel, from CSV and Parquet', async () => {
    const folder = useFolder();
    const graphs: unknown[] = [];
    for (const [mode, name] of [
      ['sequential', 'trips.csv'],
      ['parallel', 'trips.csv.gz'],
      ['sequential', 'trips.parquet'],
      ['parallel', 'trips.parquet'],
    ] as const) {
      await clear('Trip', 'Location');
      const file = folder.path(name);
      const generated = await runExample('nyc-taxi', [
        'generate',
        file,
        '--rows',
        String(TRIPS),
        '--seed',
        '7',
      ]);
      expect(generated.stdout).toContain('synthetic');
      const { exitCode, stdout, stderr } = await runExample('nyc-taxi', [mode, file]);
      expect(stderr).toContain('NYC taxi: done');
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/trips in the database\s+5,000 \(5,000 new\)/);
      expect(stdout).toMatch(/relationships in the database\s+10,000 \(10,000 new\)/);
      expect(stdout).toMatch(/retries\s+0/);
      graphs.push(
        await ask(`MATCH (p:Location)<-[:PICKED_UP_AT]-(t:Trip)-[:DROPPED_OFF_AT]->(d:Location)
          RETURN count(t) AS trips, sum(p.id * 7 + d.id) AS zones, round(sum(t.total), 2) AS total,
            toString(min(t.pickedUpAt)) AS first, count(DISTINCT valueType(t.distance)) AS types`),
      );
    }
    expect(graphs[0]).toMatchObject({ trips: TRIPS, types: 1 });
    expect(new Set(graphs.map((graph) => JSON.stringify(graph))).size).toBe(1);
  });

  it('loads a run once, unless it is to begin afresh', async () => {
    await clear('Trip', 'Location');
    const file = useFolder().path('trips.csv');
    await runExample('nyc-taxi', ['generate', file, '--rows', '1000']);
    const run = uniqueLabel('january');
    for (const [flags, trips] of [
      [[], '1,000 (1,000 new)'],
      [[], '1,000 (0 new)'],
      [['--fresh'], '2,000 (1,000 new)'],
    ] as const) {
      const { exitCode, stdout } = await runExample('nyc-taxi', [
        'parallel',
        file,
        '--resume',
        run,
        ...flags,
      ]);
      expect(stdout).toContain(`trips in the database          ${trips}`);
      expect(exitCode).toBe(0);
    }
  });

  it('generates the same file for the same seed, and another one for another', async () => {
    const folder = useFolder();
    const make = async (name: string, seed: string) => {
      await runExample('nyc-taxi', ['generate', folder.path(name), '--rows', '500', '--seed', seed]);
      return readFileSync(folder.path(name), 'utf8');
    };
    const first = await make('a.csv', '3');
    expect(await make('b.csv', '3')).toBe(first);
    expect(await make('c.csv', '4')).not.toBe(first);
  });

  it.each([
    [['parallel', 'missing.csv'], 1, 'There is no file missing.csv'],
    [['parallel'], 2, "missing required argument 'file'"],
    [['generate', 'x.txt'], 2, 'must end in .parquet'],
    [['generate', 'x.csv', '--rows', 'abc'], 2, 'must be a whole number'],
  ])('says what is wrong with %j', async (args, exitCode, message) => {
    const ended = await runExample('nyc-taxi', args);
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
    expect(ended.exitCode).toBe(exitCode);
  });
});

describe('the GTFS example', () => {
  it('loads the imaginary feed and agrees with its files', async () => {
    const { exitCode, stdout, stderr } = await runExample('gtfs', ['--replace']);
    expect(stderr).toContain('GTFS: done');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/StopTime\s+│\s+29 │\s+29 │/);
    expect(stdout).toMatch(/NEXT\s+│\s+19 │\s+19 │/);
    expect(stdout).toContain('retries 0, rejected rows 0');
    const stops =
      await ask(`MATCH (:Trip {id: 'b-downtown-on-weekends'})<-[:OF_TRIP]-(first:StopTime {sequence: 1})
      MATCH path = (first)-[:NEXT*]->(last) WHERE NOT (last)-[:NEXT]->()
      RETURN [t IN nodes(path) | [(t)-[:AT_STOP]->(s) | s.name][0]] AS names, [n IN relationships(path) | n.seconds] AS seconds`);
    expect(stops).toEqual({
      names: ['International Airport (ABC)', 'Lake', 'City Center'],
      seconds: [480, 360],
    });
    const late =
      "MATCH (t:StopTime {trip: 'during-dst-1', sequence: 0}) RETURN t.arrival AS arrival, t.departure AS departure";
    expect(await ask(late)).toEqual({ arrival: 93_300, departure: 93_480 });
    const again = await runExample('gtfs', []);
    expect(again.stderr).toContain('nodes of a feed already; --replace deletes them');
    expect(again.exitCode).toBe(2);
  });

  it('loads a synthetic feed, the same for the same seed', async () => {
    const folder = useFolder();
    const make = async (name: string, seed: string) => {
      const { stdout } = await runExample('gtfs', ['generate', folder.path(name), '--seed', seed]);
      expect(stdout).toContain('synthetic');
      return readFileSync(folder.path(`${name}/stop_times.txt`), 'utf8');
    };
    const stopTimes = await make('a', '7');
    expect(await make('b', '7')).toBe(stopTimes);
    expect(await make('c', '8')).not.toBe(stopTimes);
    const { exitCode, stdout } = await runExample('gtfs', [
      'load',
      folder.path('a'),
      '--replace',
      '--workers',
      '2',
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('retries 0, rejected rows 0');
    const count = stopTimes.trimEnd().split('\n').length - 1;
    expect(await ask('MATCH (t:StopTime) RETURN count(t) AS n')).toEqual({ n: count });
    const chains = await ask(`MATCH (here:StopTime)-[next:NEXT]->(there)
      RETURN count(*) AS steps, sum(CASE WHEN there.trip = here.trip AND there.sequence = here.sequence + 1 THEN 1 END) AS good,
        min(next.seconds) > 0 AS isForward`);
    expect(chains.good).toBe(chains.steps);
    expect(chains.isForward).toBe(true);
  });

  it('loads a feed with nothing that may be left out, and exits with 1 when a row is not in the graph', async () => {
    const folder = useFolder();
    folder.write(
      'agency.txt',
      'agency_name,agency_url,agency_timezone\nOne,https://one.example.org,Europe/Berlin\n',
    );
    folder.write('routes.txt', 'route_id,route_type\nr,3\n');
    folder.write('stops.txt', 'stop_id,stop_name\na,A\nb,B\n');
    folder.write('calendar_dates.txt', 'service_id,date,exception_type\ns,20240229,1\n');
    folder.write('trips.txt', 'route_id,service_id,trip_id\nr,s,t\n');
    const stopTimes =
      'trip_id,arrival_time,departure_time,stop_id,stop_sequence\nt,8:00:00,8:00:00,a,1\nt,8:10:00,,b,2\n';
    folder.write('stop_times.txt', stopTimes);
    const args = ['load', folder.path('.'), '--replace'];
    const good = await runExample('gtfs', args);
    expect(good.stderr).not.toContain('GW_');
    expect(good.exitCode).toBe(0);
    expect(
      await ask(
        'MATCH (:Agency)<-[:OPERATED_BY]-(r:Route) MATCH (d:Day) RETURN r.id AS route, toString(d.date) AS day',
      ),
    ).toEqual({ route: 'r', day: '2024-02-29' });
    folder.write('stop_times.txt', `${stopTimes}t,8:20:00,,nowhere,3\n`);
    const bad = await runExample('gtfs', args);
    expect(bad.stdout).toMatch(/StopTime\s+│\s+3 │\s+2 │/);
    expect(bad.stdout).toContain('rejected rows 1');
    expect(bad.stderr).toContain('other counts than the feed: StopTime, OF_TRIP, AT_STOP, NEXT');
    expect(bad.exitCode).toBe(1);
  });

  it('loads a feed from a zip file, and leaves nothing behind', async () => {
    const folder = useFolder();
    const sample = dirname(createRequire(import.meta.url).resolve('sample-gtfs-feed/gtfs/agency.txt'));
    const env = { ...process.env, TMPDIR: folder.path('.') };
    const { exitCode, stdout } = await runExample('gtfs', ['load', `${sample}.zip`, '--replace'], { env });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/StopTime\s+│\s+29 │\s+29 │/);
    expect(stdout).toContain('retries 0, rejected rows 0');
    expect(readdirSync(folder.path('.')).filter((name) => name.includes('gtfs'))).toEqual([]);
    const broken = folder.write('broken.zip', 'no zip file');
    const refused = await runExample('gtfs', ['load', broken]);
    expect(refused.stderr).toContain('broken.zip is neither a folder nor a zip file');
    expect(refused.exitCode).toBe(1);
  });

  it('says what is missing in a folder that is no feed', async () => {
    const { exitCode, stderr } = await runExample('gtfs', ['load', useFolder().path('nothing')]);
    expect(stderr).toContain('is no GTFS feed: there is no agency.txt, no stops.txt');
    expect(exitCode).toBe(1);
  });
});

describe('the MusicBrainz example', () => {
  it('loads nodes side by side and relationships in parallel, and compares the counts of both databases', async () => {
    const { exitCode, stdout, stderr } = await runExample('musicbrainz', ['--artists', '300', '--seed', '3']);
    expect(stderr).toContain('synthetic data of 300 artists');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/\(:Artist\)\s+│\s+300 │\s+300 │/);
    expect(stdout).toMatch(/\[:ON_MEDIUM\]\s+│\s+3,000 │\s+3,000 │/);
    expect(stdout).toContain('retries: 0');
    const again = await runExample('musicbrainz', ['--artists', '300', '--seed', '3']);
    expect(again.exitCode).toBe(0);
    expect(again.stdout).toBe(stdout);
    await clear('Artist', 'ArtistCredit', 'Area', 'Label', 'Place', 'ReleaseGroup', 'Release', 'Medium');
    await clear('Recording', 'Track', 'Work', 'Url', 'Tag', 'Genre');
  });
});
