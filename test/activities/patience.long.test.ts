/** Ranges of which one activity does as many chunks as its time allows, and leaves the rest to the next. */
import { statSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { currentReceipts } from '../../src/core/receipt.js';
import type { Receipt } from '../../src/core/receipt.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine, Finished } from '../helpers/engine.js';

const RECORDS = 2000;
const rows = Array.from({ length: RECORDS }, (_, n) => ({ n, text: `a "${n}",\nb`, bad: n % 100 === 50 }));
const whole = rows.map((row) => `${JSON.stringify(row)}\n`).join('');

let engine: Engine;
let source: { uri: string };
let fault: string;
beforeAll(async () => {
  engine = await startEngine('patience');
  const lines = rows.map(({ n, bad }) => `${n},"a ""${n}"",\nb",${bad}\n`).join('');
  source = { uri: await engine.write('rows.csv', `n,text,bad\n${lines}`) };
  fault = engine.at('fault');
});
afterAll(() => engine.stop());

/** As key and time of writing. */
async function receiptsOf(id: string): Promise<string[]> {
  const names = (await engine.workOf(id)).filter((name) => name.startsWith('receipts/'));
  return names.map((name) => `${name} ${statSync(path.join(engine.config.work, id, name)).mtimeMs}`);
}

const breaks = () => writeFile(fault, '');
const mends = () => rm(fault, { force: true });

/** A range takes twice the time that an activity takes for itself, which is half of that after which it is given up. */
const job = (name: string, how: 'throw' | 'reject', options: object = {}) => ({
  source,
  process: { use: 'mendable', with: { fault, how, ms: 120 } },
  sink: { uri: engine.at(name) },
  options: { chunk: { bytes: 400 }, timeout: { chunk: '2s' }, retry: { attempts: 1 }, ...options },
});

/** Chunks that the plan gives to an activity. */
const PLANNED = 16;

/** Every chunk in one receipt, and each range in more than one. */
function expectPieces({ receipts, chunks }: Pick<Finished, 'receipts' | 'chunks'>): Receipt[] {
  const current = currentReceipts(receipts);
  expect(current.map(({ from }) => from)).toEqual([0, ...current.slice(0, -1).map(({ to }) => to)]);
  expect(current.at(-1)!.to).toBe(chunks);
  for (const { to, asked } of current) if (asked !== undefined) expect(to).toBeLessThan(asked);
  // The last range may be a short one.
  for (let from = 0; from + PLANNED < chunks; from += PLANNED) {
    const pieces = current.filter((piece) => piece.from >= from && piece.from < from + PLANNED);
    // On a machine that stands still for a second, a range does not end in time at all, and is halved.
    const halved = pieces.some(({ to }) => to === from + PLANNED / 2);
    expect(halved || pieces.some(({ asked }) => asked !== undefined)).toBe(true);
    expect(pieces.length).toBeGreaterThan(1);
  }
  return current;
}

describe('chunks that take long', () => {
  it('are as many to an activity as its time allows, without a second attempt, and the bytes are the same', async () => {
    const finished = await engine.run(job('whole.ndjson', 'throw'));
    expect(finished.chunks).toBeGreaterThan(PLANNED * 6);
    const pieces = expectPieces(finished);
    expect(Math.max(...pieces.map(({ attempt }) => attempt))).toBe(1);
    expect(await engine.read('whole.ndjson')).toBe(whole);
    expect(finished.counts).toMatchObject({ in: RECORDS, out: RECORDS });
  });

  it('keep their rejects, and a retry takes these alone', async () => {
    await breaks();
    const first = await engine.run(job('rejects.ndjson', 'reject', { rejects: { action: 'quarantine' } }));
    expect(first.state).toBe('completed_with_rejects');
    expect(first.rejected.map(({ record }) => record)).toEqual(rows.flatMap(({ bad, n }) => (bad ? n + 1 : [])));
    expectPieces(first);
    await mends();
    const second = await engine.retried(first.id);
    expect(second).toMatchObject({ state: 'completed', counts: { in: RECORDS, rejected: 0, out: RECORDS } });
    expectPieces(second);
    const sorted = (await engine.read('rejects.ndjson')).split('\n').sort();
    expect(sorted).toEqual(whole.split('\n').sort());
  });

  it('that a failed job has done are kept, and the retry does the others', async () => {
    await breaks();
    const spec = job('failed.ndjson', 'throw', { concurrency: 1 });
    // The only bad record stands in the middle of a range of which some chunks are done then.
    const at = RECORDS / 2 + 150;
    const lines = rows.map(({ n }) => `${n},"a ""${n}"",\nb",${n === at}\n`).join('');
    const uri = await engine.write('one-bad.csv', `n,text,bad\n${lines}`);
    const { id, code } = await engine.fail({ ...spec, source: { uri } });
    expect(code).toBe('processor.failed');
    const before = await receiptsOf(id);
    expect(before.length).toBeGreaterThan(5);
    await mends();
    const finished = await engine.retried(id);
    expectPieces(finished);
    expect(await receiptsOf(id)).toEqual(expect.arrayContaining(before));
    const expected = rows.map(({ n, text }) => `${JSON.stringify({ n, text, bad: n === at })}\n`).join('');
    expect(await engine.read('failed.ndjson')).toBe(expected);
  });
});

describe('chunks that were too much for a thread', () => {
  it('are half as many to the next attempt', async () => {
    const text = rows.map(({ n }) => `${n},${n === 100 ? 'exit' : 'none'}\n`).join('');
    const finished = await engine.run({
      source: { uri: await engine.write('deeds.csv', `n,deed\n${text}`) },
      process: { use: 'poison' },
      sink: { uri: engine.at('poison.csv') },
      options: { chunk: { bytes: 150 }, rejects: { action: 'quarantine' }, retry: { first: '10ms' } },
    });
    expect(finished.counts).toMatchObject({ in: RECORDS, rejected: 1, out: RECORDS - 1 });
    const [first] = currentReceipts(finished.receipts);
    expect(first).toMatchObject({ from: 0, attempt: 2, counts: { rejected: 1 } });
    expect(first!.to).toBe(first!.asked! >> 1);
  });
});
