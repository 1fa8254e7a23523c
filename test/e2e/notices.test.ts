import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WATCH_SCHEDULES } from '../../src/contract.js';
import type { Notice } from '../../src/core/notice.js';
import { parseSchedule } from '../../src/schema/schedule.js';
import { parseSpec, specDigest } from '../../src/schema/spec.js';
import { createSchedules } from '../../src/temporal/schedules.js';
import type { Schedules } from '../../src/temporal/schedules.js';
import { eventually } from '../helpers/eventually.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';

const SECRET = 'whsec_bWlsbHJhY2U=';
/** What the receiver got, and how it answers the next requests. */
const heard: Array<{ url: string; notice: Notice; signed: boolean }> = [];
let answers: number[] = [];
let receiver: Server;
let url: string;
let engine: Engine;
let schedules: Schedules;

beforeAll(async () => {
  receiver = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString();
      const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = request.headers;
      const key = Buffer.from(SECRET.slice(6), 'base64');
      const expected = `v1,${createHmac('sha256', key)
        .update(`${String(id)}.${String(time)}.${body}`)
        .digest('base64')}`;
      heard.push({ url: request.url!, notice: JSON.parse(body) as Notice, signed: signature === expected });
      response.writeHead(answers.shift() ?? 204, { location: '/elsewhere' }).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  url = `http://${host}`;
  engine = await startEngine('notices', { notifySecret: SECRET, notifyAllow: [host] });
  const { client, config } = engine;
  schedules = createSchedules({ client, taskQueue: config.taskQueue, namespace: config.temporal.namespace! });
}, 60_000);
afterAll(async () => {
  receiver.close();
  await engine.stop();
});
beforeEach(() => {
  heard.length = 0;
  answers = [];
});

const items = { source: { items: [{ n: 1 }, { n: 2 }] }, process: { use: 'pass' } };
const told = (id: string) => heard.filter(({ notice }) => notice.job?.id === id || notice.schedule?.id === id);

describe('the webhooks of a job', () => {
  it('are told how it ended, signed, each once', async () => {
    const job = await engine.run({ ...items, name: 'told', options: { notify: [`${url}/a`, `${url}/b?key=1`] } });
    await eventually(async () => told(job.id).length === 2);
    expect(
      told(job.id)
        .map((one) => one.url)
        .sort(),
    ).toEqual(['/a', '/b?key=1']);
    for (const { notice, signed } of told(job.id)) {
      expect(signed).toBe(true);
      expect(notice).toMatchObject({
        type: 'job.completed',
        job: {
          id: job.id,
          name: 'told',
          state: 'completed',
          records: { in: 2, used: 2, filtered: 0, rejected: 0, out: 2 },
        },
      });
    }
    expect(told(job.id)[0]!.notice.id).toBe(told(job.id)[1]!.notice.id);
  });

  it('are told of a failure, also of one before the spec was read', async () => {
    const failed = await engine.fail({ ...items, source: { uri: engine.at('none.csv') }, options: { notify: [url] } });
    const bad = await engine.fail({ ...items, process: {}, options: { notify: [url] } });
    await eventually(async () => told(failed.id).length === 1 && told(bad.id).length === 1);
    expect(told(failed.id)[0]!.notice).toMatchObject({
      type: 'job.failed',
      job: { error: { code: 'source.not_found' } },
    });
    expect(told(bad.id)[0]!.notice).toMatchObject({ type: 'job.failed', job: { error: { code: 'spec.invalid' } } });
  });

  it('are told again where they answered an error, and not where they refuse', async () => {
    answers = [503];
    const { id } = await engine.run({ ...items, options: { notify: [url] } });
    await eventually(async () => told(id).length === 2);
    expect(new Set(told(id).map(({ notice }) => notice.id)).size).toBe(1);

    for (const status of [410, 302]) {
      answers = [status];
      const refused = await engine.run({ ...items, options: { notify: [url] } });
      const [fault] = await deliveryOf(refused.id);
      expect(fault).toMatch(/^0: /);
      expect(told(refused.id)).toHaveLength(1);
    }
  });

  it('do not keep the job waiting where nobody answers, nor do private addresses hear anything', async () => {
    for (const dead of [
      'http://127.0.0.1:9/x',
      'http://localhost:9/',
      'http://[::ffff:127.0.0.1]:9/',
      'http://0x7f000001/',
      'http://169.254.169.254/latest/meta-data',
    ]) {
      const { id } = await engine.run({ ...items, options: { notify: [dead] } });
      const [fault] = await deliveryOf(id);
      expect(fault).toMatch(/^0: /);
    }
  });

  /** What could not be told. */
  async function deliveryOf(id: string): Promise<string[]> {
    const { runId } = await engine.client.workflow.getHandle(id).describe();
    return (await engine.client.workflow.getHandle(`notice-${id}-${runId}`).result()) as string[];
  }
});

describe('the webhooks of a schedule', () => {
  let made = 0;
  async function schedule(spec: object, changes: object = {}): Promise<string> {
    const id = `noticed-${process.pid}-${made++}`;
    const parsed = parseSchedule({ id, spec, when: { cron: '0 0 1 1 *' }, notify: [url], ...changes });
    const canonical = parseSpec(spec);
    await schedules.create({ ...parsed, spec: canonical, digest: specDigest(canonical) });
    return id;
  }
  let looks = 0;
  const look = () =>
    engine.client.workflow.execute<() => Promise<number>>(WATCH_SCHEDULES, {
      workflowId: `look-${process.pid}-${looks++}`,
      taskQueue: engine.config.taskQueue,
    });
  async function run(id: string): Promise<string> {
    const job = (await schedules.trigger(id, 'allowAll'))!;
    await engine.client.workflow
      .getHandle(job)
      .result()
      .catch(() => undefined);
    // The list of the server tells of it a moment later.
    await eventually(
      async () => (await engine.client.workflow.count(`WorkflowId = '${job}' AND CloseTime IS NOT NULL`)).count === 1,
    );
    return job;
  }

  it('are told of a run that failed, and of the first that succeeds after it, each once', async () => {
    const id = await schedule({ ...items, source: { uri: engine.at('comes-late.csv') } });
    await look();
    const failed = await run(id);
    await look();
    await eventually(async () => told(id).length === 1);
    await look();
    await engine.write('comes-late.csv', 'n\n1\n');
    const recovered = await run(id);
    await run(id);
    await look();
    await look();
    await eventually(async () => told(id).length === 2);
    expect(told(id)[0]!.notice.job).toMatchObject({ state: 'failed', error: { code: 'source.not_found' } });
    expect(told(id).map(({ notice: { type, job, schedule: about } }) => [type, job?.id, about?.id])).toEqual([
      ['schedule.failed', failed, id],
      ['schedule.recovered', recovered, id],
    ]);
  });

  it('are told of a run that was ended from outside, which cannot say so itself', async () => {
    const id = await schedule({ ...items, process: { use: 'slow', with: { ms: 60_000 } } });
    await look();
    const job = (await schedules.trigger(id, 'allowAll'))!;
    await engine.client.workflow.getHandle(job).terminate('a test');
    await eventually(
      async () => (await engine.client.workflow.count(`WorkflowId = '${job}' AND CloseTime IS NOT NULL`)).count === 1,
    );
    await look();
    await eventually(async () => told(id).length === 1);
    expect(told(id)[0]!.notice).toMatchObject({ type: 'schedule.failed', job: { id: job, state: 'failed' } });
  });

  it('are told of nominal times that an open run made it skip', async () => {
    const id = await schedule({ ...items, process: { use: 'slow', with: { ms: 60_000 } } });
    await look();
    const job = (await schedules.trigger(id, 'skip'))!;
    await schedules.trigger(id, 'skip');
    await eventually(async () => (await schedules.view(id)).counts.skipped === 1);
    await look();
    await eventually(async () => told(id).length === 1);
    expect(told(id)[0]!.notice).toMatchObject({ type: 'schedule.skipped', schedule: { id, count: 1 } });
    await engine.client.workflow.getHandle(job).terminate();
  });
});
