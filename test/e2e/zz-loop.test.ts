import { expect, it } from 'vitest';
import { flightsFile } from '../../src/cli/demo/flights.js';
import { startEngine } from '../helpers/engine.js';
it('loops', { timeout: 200000 }, async () => {
  const f = flightsFile();
  const engine = await startEngine('loop', { roots: [f.slice(0, f.lastIndexOf('/'))] });
  const bad: string[] = [];
  for (let i = 0; i < 60; i++) {
    try {
      await engine.run({
        source: { uri: f },
        process: {
          use: 'sql',
          with: {
            map: 'select origin, count(*) n, sum(delay)::bigint delay, max(date) latest from chunk group by all',
            reduce:
              'select origin, sum(n)::bigint n, max(latest)::varchar latest from partials group by origin order by origin',
          },
        },
        options: { chunk: i % 2 ? 'auto' : { rows: 100000 } },
      });
    } catch (e) {
      bad.push(String((e as Error).cause));
    }
  }
  console.log('BAD', bad.length, bad.slice(0, 3));
  await engine.stop();
});
