import { join } from 'node:path';

/** The airports with their flights and mean delay: SQL on every chunk, then once over all partials. */
export function delaysSpec(flights: string): Record<string, unknown> {
  return {
    name: 'delays-by-airport',
    source: { uri: flights },
    process: {
      use: 'sql',
      with: {
        map: 'select origin, count(*) n, sum(delay)::bigint delay, sum(distance)::bigint distance from chunk group by all',
        reduce:
          'select origin, sum(n)::bigint flights, round(sum(delay) / sum(n), 1) mean_delay, ' +
          'round(sum(distance) / sum(n))::int mean_distance from partials group by origin order by flights desc, origin',
      },
    },
  };
}

/** The same flights as CSV. */
export function csvSpec(flights: string, out: string): Record<string, unknown> {
  return {
    name: 'flights-csv',
    source: { uri: flights },
    process: { use: 'sql', with: { map: 'select * from chunk' } },
    sink: { uri: join(out, 'flights.csv'), ifExists: 'replace' },
  };
}

/** The processor `flight-times` over every line of the CSV. */
export function flightTimesSpec(out: string): Record<string, unknown> {
  return {
    name: 'flight-times',
    source: { uri: join(out, 'flights.csv') },
    process: { use: 'flight-times', with: { lateAfter: 15 } },
    sink: { uri: join(out, 'flights.ndjson'), ifExists: 'replace' },
    options: { rejects: { action: 'quarantine', tolerate: '0.1%' } },
  };
}
