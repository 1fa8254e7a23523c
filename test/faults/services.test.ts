/** Single faults of a whole service, with what each may cost. */
import { readFile, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobView } from '../../src/core/job.js';
import { keys } from '../../src/core/receipt.js';
import { checkRun } from './check-run.js';
import { SLOTS_OF_A_WORKER, startCluster } from './cluster.js';
import type { Cluster, Member } from './cluster.js';
import { FULL } from './full.js';
import { csvText } from './records.js';

let cluster: Cluster;
let whole: string;
const WORKERS = ['worker-a', 'worker-b'] as const;

beforeAll(async () => {
  if (!FULL) return;
  cluster = await startCluster();
  await writeFile(path.join(cluster.data, 'records.csv'), csvText());
  const job = await cluster.run(copy('whole', {}), 'whole');
  whole = (await checkRun(cluster, job, 0)).outcome.output;
}, 60_000);
afterAll(() => cluster?.stop());

function copy(name: string, options: object, ms = 20): Record<string, unknown> {
  return {
    name,
    source: { uri: path.join(cluster.data, 'records.csv'), csv: { types: { n: 'int' } } },
    process: { use: 'copy-slowly', with: { ms } },
    sink: { uri: path.join(cluster.data, `${name}.ndjson`) },
    options: { chunk: { bytes: '10KiB' }, rejects: { action: 'quarantine' }, ...options },
  };
}

async function begin(spec: unknown, key: string): Promise<{ end: Promise<JobView>; handle: WorkflowHandle }> {
  let end!: Promise<JobView>;
  await new Promise<void>((accepted) => {
    end = cluster.run(spec, key, accepted);
  });
  const { jobs } = (await (await fetch(`${cluster.api}/v1/jobs?limit=1`)).json()) as { jobs: JobView[] };
  return { end, handle: (await cluster.client()).workflow.getHandle(jobs[0]!.id) };
}

/** A worker that is computing a chunk, and the activity. */
async function busyWorker(handle: WorkflowHandle): Promise<{ member: Member; activity: string }> {
  for (;;) {
    const { raw } = await handle.describe();
    for (const { activityId, lastWorkerIdentity } of raw.pendingActivities ?? []) {
      const pid = Number(/^\d+/.exec(lastWorkerIdentity ?? '')?.[0]);
      const member = WORKERS.find((one) => cluster.pid(one) === pid);
      if (member) return { member, activity: activityId! };
    }
    await sleep(20);
  }
}

/** When the last attempt of an activity began, and which it was. */
async function lastStart(handle: WorkflowHandle, activity: string): Promise<{ at: number; attempt: number }> {
  const { events } = await handle.fetchHistory();
  const scheduled = events!.find((event) => event.activityTaskScheduledEventAttributes?.activityId === activity)!;
  const started = events!.find(
    (event) => event.activityTaskStartedEventAttributes?.scheduledEventId?.toString() === scheduled.eventId!.toString(),
  )!;
  const { seconds, nanos } = started.eventTime!;
  return { at: Number(seconds) * 1000 + nanos! / 1e6, attempt: started.activityTaskStartedEventAttributes!.attempt! };
}

describe.runIf(FULL)('a worker that is killed', () => {
  it.each([
    ['with its default options', {}, 15_000],
    ['with a short heartbeat', { timeout: { heartbeat: '2s' }, retry: { first: '50ms' } }, 6_000],
  ])(
    'costs at most the heartbeat timeout and the first pause: %s',
    async (how, options, most) => {
      const name = how.replaceAll(' ', '-');
      const { end, handle } = await begin(copy(name, options, 40), name);
      const { member, activity } = await busyWorker(handle);
      const killedAt = Date.now();
      await cluster.kill(member);
      const { outcome } = await checkRun(cluster, await end, SLOTS_OF_A_WORKER);
      expect(outcome.output).toBe(whole);
      const { at, attempt } = await lastStart(handle, activity);
      expect(attempt).toBe(2);
      console.log(`[faults] ${how}: its chunk began again after ${Math.round(at - killedAt)} ms`);
      expect(at - killedAt).toBeLessThan(most);
      await cluster.start(member);
    },
    60_000,
  );
});

describe.runIf(FULL)('a worker that stands still beyond its heartbeat timeout', () => {
  it('changes nothing when it goes on: others have done its work', async () => {
    const { end, handle } = await begin(
      copy('stopped', { timeout: { heartbeat: '2s' }, retry: { first: '50ms' } }),
      's',
    );
    const { member } = await busyWorker(handle);
    const folder = path.join(cluster.work, keys.receipts(handle.workflowId));
    process.kill(cluster.pid(member), 'SIGSTOP');
    const job = await end.finally(async () => {
      const before = await marksOf(folder);
      process.kill(cluster.pid(member), 'SIGCONT');
      await sleep(3000);
      expect(await marksOf(folder)).toEqual(before);
    });
    const { outcome } = await checkRun(cluster, job, SLOTS_OF_A_WORKER);
    expect(outcome.output).toBe(whole);
    expect(await readdir(path.join(cluster.work, keys.parts(job.id))).catch(() => [])).toEqual([]);
    expect((await cluster.run(copy('after', {}), 'after')).error).toBeNull();
  }, 60_000);
});

async function marksOf(folder: string): Promise<unknown[]> {
  const names = (await readdir(folder)).sort();
  return Promise.all(
    names.map(async (name) => {
      const { ino, mtimeMs } = await stat(path.join(folder, name));
      return [name, ino, mtimeMs];
    }),
  );
}

describe.runIf(FULL)('a Temporal server that is away for some seconds', () => {
  it('is said so by the API in seconds, and the job goes on when it is back', async () => {
    const { end } = await begin(copy('away', { timeout: { heartbeat: '5s' }, retry: { first: '50ms' } }, 40), 'away');
    await cluster.kill('temporal');
    const answers = Promise.all([
      answerOf('/healthz'),
      answerOf('/readyz'),
      answerOf('/v1/jobs', { method: 'POST', body: JSON.stringify(copy('refused', {})) }),
    ]);
    await Promise.allSettled([answers, sleep(8000)]);
    await cluster.start('temporal');
    const refused = { status: 503, code: 'temporal.unreachable', type: 'application/problem+json', retryAfter: '5' };
    const healthy = { status: 200, code: undefined, type: 'application/json', retryAfter: null };
    expect(await answers).toEqual([healthy, refused, refused]);
    const { outcome } = await checkRun(cluster, await end, 2 * SLOTS_OF_A_WORKER);
    expect(outcome.output).toBe(whole);
  }, 60_000);
});

async function answerOf(route: string, init: RequestInit = {}): Promise<unknown> {
  const began = Date.now();
  const answer = await fetch(cluster.api + route, { headers: { 'content-type': 'application/json' }, ...init });
  const { code } = (await answer.json()) as { code?: string };
  // Calls are given up after four; the rest is for a busy machine.
  expect(Date.now() - began).toBeLessThan(6000);
  const { status, headers } = answer;
  return { status, code, type: headers.get('content-type'), retryAfter: headers.get('retry-after') };
}

describe.runIf(FULL)('fifty requests at once with one Idempotency-Key', () => {
  it('start one job; another spec with that key is refused', async () => {
    const post = (spec: unknown) =>
      fetch(`${cluster.api}/v1/jobs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'fifty' },
        body: JSON.stringify(spec),
      });
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(copy('fifty', {}))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const ids = await Promise.all(answers.map(async (answer) => ((await answer.json()) as JobView).id));
    expect(new Set(ids).size).toBe(1);
    expect((await post(copy('other', {}))).status).toBe(422);
    await cluster.run(copy('fifty', {}), 'fifty');
    const { jobs } = (await (await fetch(`${cluster.api}/v1/jobs?name=fifty`)).json()) as { jobs: JobView[] };
    expect(jobs).toHaveLength(1);
  }, 60_000);
});

describe.runIf(FULL)('a file that is one endless record', () => {
  const LIMIT = 512 * 1024 * 1024;

  it.each([
    ['300 MB without a line end', 'endless.csv', 'id,text\n', 300_000_000],
    ['300 MB in a quoted field', 'quoted.csv', 'id,text\n1,"', 300_000_000],
    ['2 GB without a line end', 'huge.ndjson', '{"id":1,"text":"', 2_000_000_000],
  ])(
    'is rejected at its first byte, in bounded memory: %s',
    async (_, name, head, bytes) => {
      const file = path.join(cluster.data, name);
      await writeFile(file, head);
      // The rest are zeros that the disk does not hold.
      await truncate(file, bytes);
      const spec = {
        name,
        source: { uri: file },
        process: { use: 'sum-slowly', with: { ms: 0 } },
        options: { rejects: { action: 'quarantine' } },
      };
      const job = await cluster.run(spec, name);
      expect(job.result?.counts).toMatchObject({ in: 1, used: 0, rejected: 1 });
      const rejects = await readFile(path.join(cluster.work, job.result!.rejects!.uri), 'utf8');
      const offset = name.endsWith('.csv') ? 'id,text\n'.length : 0;
      expect(JSON.parse(rejects)).toMatchObject({ code: 'row.too_large', offset });
      for (const worker of WORKERS) expect(await peakMemory(cluster.pid(worker))).toBeLessThan(LIMIT);
    },
    120_000,
  );
});

/** In bytes. */
async function peakMemory(pid: number): Promise<number> {
  return Number(/VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}
