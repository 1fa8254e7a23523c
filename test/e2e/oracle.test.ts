import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flightsFile } from '../../src/cli/demo/flights.js';
import type { JobView } from '../../src/core/job.js';
import { startServer } from '../../src/server.js';
import type { RunningServer } from '../../src/server.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';

const flights = flightsFile();
let engine: Engine;
let server: RunningServer;

beforeAll(async () => {
  engine = await startEngine('oracle', { roots: [flights.slice(0, flights.lastIndexOf('/'))] });
  server = await startServer(engine.config);
});
afterAll(async () => {
  await server.stop();
  await engine.stop();
});

async function post(spec: unknown): Promise<JobView> {
  const answer = await fetch(`${server.url}/v1/jobs?wait=30s`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(spec),
  });
  return (await answer.json()) as JobView;
}

async function rowsOf({ links }: JobView): Promise<unknown[]> {
  return ((await (await fetch(server.url + links.result)).json()) as { rows: unknown[] }).rows;
}

async function wholeFile(query: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  const result = await connection.runAndReadAll(query.replace('FLIGHTS', `read_parquet('${flights}')`));
  connection.closeSync();
  instance.closeSync();
  return result
    .getRowObjectsJson()
    .map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([k, v]) => [k, typeof v === 'string' && /^-?\d+$/.test(v) ? Number(v) : v]),
      ),
    );
}

describe('three million flights', () => {
  it.each([['auto'], [{ rows: 100_000 }]])(
    'give the delays by airport that one query over the whole file gives: %j',
    async (chunk) => {
      const job = await post({
        name: 'delays-by-airport',
        source: { uri: flights },
        process: {
          use: 'sql',
          with: {
            map: 'select origin, count(*) n, sum(delay)::bigint delay, sum(distance)::bigint distance, max(date) latest from chunk group by all',
            reduce:
              'select origin, sum(n)::bigint n, sum(delay)::bigint delay, sum(distance)::bigint distance, max(latest)::varchar latest from partials group by origin order by origin',
          },
        },
        options: { chunk },
      });
      expect(job).toMatchObject({ state: 'completed', error: null });
      expect(job.progress!.chunks.total).toBeGreaterThan(chunk === 'auto' ? 1 : 29);
      const rows = await rowsOf(job);
      expect(rows).toHaveLength(229);
      expect(rows).toEqual(
        await wholeFile(
          'select origin, count(*) n, sum(delay)::bigint delay, sum(distance)::bigint distance, max(date)::varchar latest from FLIGHTS group by origin order by origin',
        ),
      );
      expect(job.result!.counts).toEqual({ in: 3_000_000, used: 3_000_000, filtered: 0, rejected: 0, out: 229 });
    },
  );
});

describe('items sent to the API', () => {
  it('that are too large for a history travel by the work area', async () => {
    const items = Array.from({ length: 2000 }, (_, n) => ({ n, text: 'x'.repeat(40) }));
    const job = await post({ source: { items }, process: { use: 'pass' } });
    expect(job.state).toBe('completed');
    expect(await rowsOf(job)).toEqual(items);
    const { events } = await engine.client.workflow.getHandle(job.id).fetchHistory();
    const start = events![0]!.workflowExecutionStartedEventAttributes!.input!.payloads![0]!.data!;
    expect(start.length).toBeLessThan(500);
    expect(await engine.workOf(job.id)).toContain('items.ndjson');
  });
});
