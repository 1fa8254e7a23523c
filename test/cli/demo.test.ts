import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { flightsFile } from '../../src/cli/demo/flights.js';
import { csvSpec, delaysSpec, flightTimesSpec } from '../../src/cli/demo/specs.js';
import { packageRoot } from '../../src/cli/package-root.js';
import { portNear } from '../../src/port-near.js';
import { parseSpec } from '../../src/schema/spec.js';

const flights = flightsFile();

async function example(name: string): Promise<Record<string, { uri?: string }>> {
  const text = await readFile(join(packageRoot(), 'examples', name), 'utf8');
  return parse(text) as Record<string, { uri?: string }>;
}

/** Sources and sinks by their file names, SQL without its line ends: what is left has to be the same. */
function essence(given: unknown): unknown {
  const text = JSON.stringify(parseSpec(given));
  return JSON.parse(
    text
      .replace(/"[^"]*\/([^"/]+)"/g, '"$1"')
      .replace(/(\\n|\s)+/g, ' ')
      .replace(/ "/g, '"'),
  ) as unknown;
}

describe('the demo', () => {
  it.each([
    ['delays-by-airport/spec.yaml', delaysSpec(flights)],
    ['flight-times/flights-csv.yaml', csvSpec(flights, 'out')],
    ['flight-times/spec.yaml', flightTimesSpec('out')],
  ])('runs what examples/%s says', async (name, spec) => {
    expect(essence(spec)).toEqual(essence(await example(name)));
  });

  it('finds three million flights', async () => {
    expect((await readFile(flights)).subarray(0, 4).toString()).toBe('PAR1');
  });
});

describe('portNear', () => {
  it('passes over a port that is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const { port } = server.address() as { port: number };
    const found = await portNear(port, '127.0.0.1');
    expect(found).not.toBe(port);
    await new Promise((resolve) => server.close(resolve));
    expect(await portNear(port, '127.0.0.1')).toBe(port);
  });

  it('takes any for 0', async () => {
    expect(await portNear(0, '127.0.0.1')).toBeGreaterThan(0);
  });
});
