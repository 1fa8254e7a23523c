import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WorkflowHandle } from '@temporalio/client';
import { makePlace } from '../helpers/engine.js';
import type { Place } from '../helpers/engine.js';
import { startWorkerProcess } from '../helpers/worker-process.js';
import type { WorkerProcess } from '../helpers/worker-process.js';

let place: Place;
let workers: WorkerProcess[];
let source: string;
let expected: string;
const RECORDS = 60_000;

beforeAll(async () => {
  place = await makePlace('two-workers', { threads: 1 });
  workers = await Promise.all([startWorkerProcess(place.config), startWorkerProcess(place.config)]);
  const rows = Array.from({ length: RECORDS }, (_, i) => ({ id: i, text: i % 50 === 0 ? 'two\nlines' : `text ${i}` }));
  source = await place.write('rows.csv', `id,text\n${rows.map(({ id, text }) => `${id},"${text}"\n`).join('')}`);
  expected = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await place.remove();
});

const job = (sink: string, process: object, options: object) => ({
  source: { uri: source },
  process,
  sink: { uri: place.at(sink) },
  options,
});

/** Which processes did activities, by their own identity. */
async function identities(handle: WorkflowHandle): Promise<Set<string>> {
  const { events } = await handle.fetchHistory();
  return new Set(events!.flatMap((event) => event.activityTaskStartedEventAttributes?.identity ?? []));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

describe('two worker processes', () => {
  it('share one job, and give the bytes that one would give', async () => {
    const { handle } = await place.start(
      job('shared.ndjson', { use: 'slow', with: { ms: 20 } }, { chunk: { bytes: '20KiB' } }),
    );
    const result = await handle.result();
    expect(result.chunks).toBeGreaterThan(40);
    expect(sha256(await place.read('shared.ndjson'))).toBe(sha256(expected));
    expect((await identities(handle)).size).toBe(2);

    const { events } = await handle.fetchHistory();
    expect(events!.length).toBeLessThan(4096);
    const payloads = events!.map((event) => JSON.stringify(event).length);
    expect(Math.max(...payloads)).toBeLessThan(64 * 1024);
  });

  it('survive that one of them is killed: the other one does its work again, and the bytes are the same', async () => {
    const options = { chunk: { bytes: '100KiB' }, timeout: { heartbeat: '1s' }, retry: { first: '10ms' } };
    const hold = await place.write('hold', '');
    const { handle } = await place.start(job('survived.ndjson', { use: 'held', with: { by: hold } }, options));
    const [killed] = workers as [WorkerProcess];
    const atWork = async () =>
      (await handle.describe()).raw.pendingActivities?.map(({ lastWorkerIdentity }) => parseInt(lastWorkerIdentity!));
    await expect.poll(atWork).toContain(killed.pid);
    await killed.kill();
    await rm(hold);
    await handle.result();
    expect(sha256(await place.read('survived.ndjson'))).toBe(sha256(expected));
    const { events } = await handle.fetchHistory();
    const attempts = events!.flatMap((event) => event.activityTaskStartedEventAttributes?.attempt ?? []);
    expect(Math.max(...attempts)).toBeGreaterThan(1);
  });
});
