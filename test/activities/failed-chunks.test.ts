import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine('failed-chunks');
});
afterAll(() => engine.stop());

const ROWS = 2000;
const POISON = 900;
const REFUSED = 1800;
const line = (i: number) => `${i},${i === POISON ? 'throw' : i === REFUSED ? 'refuse' : 'keep'}\n`;
const options = {
  chunk: { bytes: '2KiB' },
  retry: { attempts: 2, first: '10ms' },
  rejects: { action: 'quarantine' },
};
const job = (more: object) => ({
  source: { uri: engine.at('rows.csv') },
  process: { use: 'odd-jobs' },
  sink: { uri: engine.at('rows.ndjson'), ifExists: 'replace' },
  options: { ...options, ...more },
});

describe('a chunk whose processor throws at each attempt', () => {
  beforeAll(async () => {
    await engine.write('rows.csv', `n,job\n${Array.from({ length: ROWS }, (_, i) => line(i)).join('')}`);
  });

  it('fails the job after as many attempts as were given, and leaves no output', async () => {
    const { code, message } = await engine.fail(job({}));
    expect(code).toBe('processor.failed');
    expect(message).toMatch(/"odd-jobs" failed at byte \d+: cannot do 900/);
    await expect(engine.read('rows.ndjson')).rejects.toThrow('ENOENT');
  });

  it('is given up within tolerance: the manifest names it, and the others are there', async () => {
    const { state, failedChunks, counts, chunks, manifestFile, rejected } = await engine.run(
      job({ failedChunks: { tolerate: 1 } }),
    );
    expect([state, failedChunks]).toEqual(['completed_with_rejects', 1]);
    expect(manifestFile.failedChunks).toEqual([
      { from: expect.any(Number), to: expect.any(Number), code: 'processor.failed', message: expect.any(String) },
    ]);
    const { from, to } = manifestFile.failedChunks[0]!;
    expect(to - from).toBe(1);
    expect(chunks).toBeGreaterThan(5);

    const kept = (await engine.read('rows.ndjson')).trim().split('\n');
    const numbers = kept.map((text) => (JSON.parse(text) as { n: number }).n);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(numbers).size).toBe(numbers.length);
    const missing = Array.from({ length: ROWS }, (_, i) => i).filter((i) => i !== REFUSED && !numbers.includes(i));
    expect(missing).toContain(POISON);
    expect(missing.at(-1)! - missing[0]!).toBe(missing.length - 1);
    expect(counts).toEqual({
      in: ROWS - missing.length,
      used: numbers.length,
      filtered: 0,
      rejected: 1,
      out: numbers.length,
    });

    // Behind the gap lines can be counted, records cannot.
    const before = `n,job\n${Array.from({ length: REFUSED }, (_, i) => line(i)).join('')}`;
    expect(rejected).toMatchObject([{ offset: before.length, line: REFUSED + 2, record: null, code: 'odd.refused' }]);
  });

  it('leaves the others to a step over all of them', async () => {
    const map = `select n from chunk where n <> ${POISON} or error('cannot do ' || n)`;
    const reduce = 'select count(*)::int n, max(n)::int most from partials';
    const { rows, failedChunks, counts } = await engine.run({
      source: { uri: engine.at('rows.csv') },
      process: { use: 'sql', with: { map, reduce } },
      options: { ...options, failedChunks: { tolerate: '50%' } },
    });
    expect(failedChunks).toBe(1);
    expect(rows).toEqual([{ n: counts.in, most: ROWS - 1 }]);
    expect(counts.in).toBeLessThan(ROWS);
  });

  it('of a job that has no other gives an empty result', async () => {
    const { state, counts, failedChunks } = await engine.run({
      source: { items: [{ n: 1, job: 'throw' }] },
      process: { use: 'odd-jobs' },
      options: { retry: { attempts: 1 }, failedChunks: { tolerate: '100%' } },
    });
    expect([state, counts.in, failedChunks]).toEqual(['completed_with_rejects', 0, 1]);
  });
});

describe('a processor that says it is busy', () => {
  it('is asked again later, and costs no attempt', async () => {
    const { state, counts } = await engine.run({
      source: { items: Array.from({ length: 20 }, (_, n) => ({ n })) },
      process: { use: 'busy', with: { until: Date.now() + 300 } },
      options: { retry: { attempts: 1 }, chunk: { rows: 5 } },
    });
    expect([state, counts.out]).toEqual(['completed', 20]);
  });
});
