import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { JobView } from '../../src/core/job.js';
import type { BackfillView, ScheduleView } from '../../src/core/schedule-view.js';
import { scheduleListSchema, scheduleViewSchema } from '../../src/schema/schedule-views.js';
import type { ScheduleList, Triggered, Upcoming } from '../../src/schema/schedule-views.js';
import type { JobList, Problem } from '../../src/schema/views.js';
import { apiOver } from '../helpers/api-over.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { eventually } from '../helpers/eventually.js';

let engine: Engine;
let app: OpenAPIHono;
beforeAll(async () => {
  engine = await startEngine('schedules');
  app = await apiOver(engine);
});
afterAll(async () => {
  for (const { id } of (await get<ScheduleList>('/v1/schedules')).body.schedules)
    await call('DELETE', `/v1/schedules/${id}`);
  await engine.stop();
});

async function call<T = ScheduleView>(method: string, path: string, body?: unknown, headers: HeadersInit = {}) {
  const answer = await app.request(path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: (text === '' ? null : JSON.parse(text)) as T };
}
const get = <T = ScheduleView>(path: string) => call<T>('GET', path);
const post = <T = ScheduleView>(path: string, body?: unknown) => call<T>('POST', path, body);

let made = 0;
const fresh = (name: string) => `${name}-${process.pid}-${made++}`;
/** Never fires by itself while a test runs. */
const YEARLY = { cron: '0 0 1 1 *' };
const items = { source: { items: [{ n: 1 }] }, process: { use: 'pass' } };

async function ended(id: string): Promise<JobView> {
  const { body } = await get<JobView>(`/v1/jobs/${id}?wait=20s`);
  return body;
}

describe('a schedule', () => {
  it('is made, shown, changed, listed and removed', async () => {
    const id = fresh('life');
    const created = await post('/v1/schedules', {
      id,
      spec: items,
      when: YEARLY,
      timezone: 'Europe/Berlin',
      note: 'once a year',
    });
    expect(created.status).toBe(201);
    expect(created.headers.get('location')).toBe(`/v1/schedules/${id}`);
    expect(scheduleViewSchema.strict().parse(created.body)).toEqual(created.body);
    expect(created.body).toMatchObject({
      id,
      spec: items,
      when: YEARLY,
      timezone: 'Europe/Berlin',
      overlap: 'skip',
      catchup: '10m',
      note: 'once a year',
      paused: false,
      sentence: 'at 00:00 on day 1 of the month in January, Europe/Berlin',
      remainingRuns: null,
      recent: [],
      counts: { started: 0, missed: 0, skipped: 0 },
      links: { temporal: `http://ui/namespaces/default/schedules/${id}` },
    });
    expect(created.body.next).toHaveLength(10);
    expect(created.body.next[0]).toMatch(/-12-31T23:00:00.000Z$/);
    expect((await post<Problem>('/v1/schedules', { id, spec: items, when: YEARLY })).body).toMatchObject({
      status: 409,
      code: 'schedule.exists',
    });

    const patched = await call('PATCH', `/v1/schedules/${id}`, {
      overlap: 'allowAll',
      maxRuns: 5,
      timezone: 'UTC',
      spec: { name: 'renamed' },
    });
    expect(patched.body).toMatchObject({
      overlap: 'allowAll',
      maxRuns: 5,
      remainingRuns: 5,
      timezone: 'UTC',
      note: 'once a year',
      spec: { ...items, name: 'renamed' },
    });
    const removed = await call('PATCH', `/v1/schedules/${id}`, { maxRuns: null });
    expect(removed.body.remainingRuns).toBeNull();
    expect(removed.body).not.toHaveProperty('maxRuns');

    const replaced = await call('PUT', `/v1/schedules/${id}`, {
      spec: items,
      when: { every: { interval: '1d', offset: '1h' } },
    });
    expect(replaced.status).toBe(200);
    expect(replaced.body).toMatchObject({
      overlap: 'skip',
      note: '',
      sentence: 'every day, counted from 1970-01-01T00:00:00Z, put off by 1 hour',
    });

    const listed = await eventually(async () => {
      const { body } = await get<ScheduleList>('/v1/schedules');
      return body.schedules.find((row) => row.id === id && row.sentence.startsWith('every day')) && body;
    });
    expect(scheduleListSchema.strict().parse(listed)).toEqual(listed);
    expect(listed.schedules.find((row) => row.id === id)).toEqual({
      id,
      sentence: 'every day, counted from 1970-01-01T00:00:00Z, put off by 1 hour',
      paused: false,
      reason: null,
      next: replaced.body.next[0],
      last: null,
    });

    expect((await call('DELETE', `/v1/schedules/${id}`)).status).toBe(204);
    expect((await get<Problem>(`/v1/schedules/${id}`)).body).toMatchObject({ status: 404, code: 'schedule.not_found' });
    expect((await call<Problem>('DELETE', `/v1/schedules/${id}`)).body.code).toBe('schedule.not_found');
  });

  it('is changed with If-Match only while it is what the caller knows', async () => {
    const at = `/v1/schedules/${fresh('match')}`;
    const matching = (method: string, tag: string, body?: unknown) => call(method, at, body, { 'if-match': tag });
    const refused = { status: 412, code: 'schedule.changed' };
    const whole = { spec: items, when: YEARLY };
    expect((await matching('PUT', '*', whole)).body).toMatchObject(refused);
    const made = (await call('PUT', at, whole)).headers.get('etag')!;
    expect((await get(at)).headers.get('etag')).toBe(made);

    const changed = await matching('PATCH', made, { note: 'first' });
    expect(changed.body).toMatchObject({ note: 'first' });
    const tag = changed.headers.get('etag')!;
    expect(tag).not.toBe(made);
    for (const [method, body] of [
      ['PATCH', { note: 'second' }],
      ['PUT', { ...whole, note: 'second' }],
      ['DELETE', undefined],
    ] as const) {
      expect((await matching(method, made, body)).body).toMatchObject(refused);
    }
    expect((await get(at)).body.note).toBe('first');
    expect((await post(`${at}/pause`)).headers.get('etag')).not.toBe(tag);
    expect((await post(`${at}/resume`)).headers.get('etag')).toBe(tag);
    expect((await matching('PUT', `"other", ${tag}`, { ...whole, note: 'third' })).body.note).toBe('third');
    expect((await matching('DELETE', '*')).status).toBe(204);
  });

  it('that two change on what both know is changed by one of them', async () => {
    const at = `/v1/schedules/${fresh('race')}`;
    const tag = (await call('PUT', at, { spec: items, when: YEARLY })).headers.get('etag')!;
    const notes = ['a', 'b', 'c'];
    const answers = await Promise.all(notes.map((note) => call('PATCH', at, { note }, { 'if-match': tag })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
    const winner = notes[answers.findIndex(({ status }) => status === 200)];
    expect((await get(at)).body.note).toBe(winner);
  });

  it('is paused with a note and resumed', async () => {
    const id = fresh('pause');
    await post('/v1/schedules', { id, spec: items, when: YEARLY });
    expect((await post(`/v1/schedules/${id}/pause`, { note: 'holidays' })).body).toMatchObject({
      paused: true,
      reason: 'holidays',
      note: '',
    });
    expect((await post(`/v1/schedules/${id}/resume`)).body).toMatchObject({ paused: false, reason: null });
  });

  it('keeps all of the changes that are made at the same time, by two services too', async () => {
    const id = fresh('both');
    await post('/v1/schedules', { id, spec: items, when: YEARLY });
    const changes = [{ note: 'a' }, { overlap: 'allowAll' }, { catchup: '1h' }, { jitter: '5s' }, { maxRuns: 7 }];
    const apis = [app, await apiOver(engine)];
    const headers = { 'content-type': 'application/json' };
    const answers = await Promise.all(
      changes.map(async (change, n) =>
        apis[n % 2]!.request(`/v1/schedules/${id}`, { method: 'PATCH', headers, body: JSON.stringify(change) }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect((await get(`/v1/schedules/${id}`)).body).toMatchObject(Object.assign({}, ...changes));
  });

  it('gives its priority and fairness to its runs', async () => {
    const id = fresh('first');
    const spec = { ...items, options: { priority: 1, fairness: { key: 'reports', weight: 3 } } };
    await post('/v1/schedules', { id, spec, when: YEARLY });
    const { action } = await engine.client.schedule.getHandle(id).describe();
    expect(action.priority).toMatchObject({ priorityKey: 1, fairnessKey: 'reports', fairnessWeight: 3 });
  });

  it('that was made by other means is neither shown nor touched', async () => {
    const id = fresh('other');
    const handle = await engine.client.schedule.create({
      scheduleId: id,
      spec: { calendars: [{ month: 'JANUARY' }] },
      action: { type: 'startWorkflow', workflowType: 'other', taskQueue: 'other', args: [] },
    });
    const path = `/v1/schedules/${id}`;
    const answers = [
      await get<Problem>(path),
      await call<Problem>('DELETE', path),
      await call<Problem>('PATCH', path, { note: 'mine' }),
      await call<Problem>('PUT', path, { spec: items, when: YEARLY }),
      await post<Problem>(`${path}/pause`),
      await post<Problem>(`${path}/resume`),
      await post<Problem>(`${path}/trigger`),
      await post<Problem>(`${path}/backfill`, { from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }),
    ];
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
      answers.map(() => [409, 'schedule.foreign']),
    );
    const { state, info } = await handle.describe();
    expect([state.paused, info.numActionsTaken]).toEqual([false, 0]);
    await handle.delete();
  });

  it('that never was has no runs', async () => {
    expect((await get<Problem>('/v1/schedules/never-was/runs')).body).toMatchObject({
      status: 404,
      code: 'schedule.not_found',
    });
  });

  it('takes the spec of a job in place of one', async () => {
    const { body: job } = await post<JobView>('/v1/jobs?wait=20s', { ...items, name: 'model' });
    const id = fresh('copy');
    expect((await post('/v1/schedules', { id, job: job.id, when: YEARLY })).body.spec).toEqual({
      ...items,
      name: 'model',
    });
  });

  it('fires by itself, and each run is a job that knows it', async () => {
    const id = fresh('tick');
    const spec = { ...items, name: 'tick', source: { items: [{ at: '{{scheduledTime}}' }] } };
    await post('/v1/schedules', {
      id,
      spec,
      when: { every: '1s' },
      timezone: 'Asia/Kolkata',
      overlap: 'allowAll',
      maxRuns: 2,
    });
    const { recent } = await eventually(async () => {
      const { body } = await get(`/v1/schedules/${id}`);
      return body.recent.length === 2 && body.recent.every(({ state }) => state === 'completed') && body;
    });
    for (const { job, time } of recent) {
      const view = await ended(job);
      expect(view).toMatchObject({
        name: 'tick',
        processor: 'pass',
        source: '1 items',
        schedule: { id, time },
        state: 'completed',
        generation: 0,
      });
      const local = view.result!.rows![0]!.at as string;
      expect(local).toMatch(/\+05:30$/);
      expect(new Date(local).toISOString()).toBe(time);
    }
    const runs = await eventually(async () => {
      const { body } = await get<JobList>(`/v1/schedules/${id}/runs`);
      return body.jobs.length === 2 && body;
    });
    expect(runs.jobs.map((job) => job.id).sort()).toEqual(recent.map(({ job }) => job).sort());
    expect((await get<JobList>(`/v1/jobs?schedule=${id}`)).body.jobs).toHaveLength(2);
    const after = (await get(`/v1/schedules/${id}`)).body;
    expect(after).toMatchObject({ remainingRuns: 0, counts: { started: 2 } });
  });
});

describe('a run by hand', () => {
  it('answers with its job, a second one with another', async () => {
    const id = fresh('now');
    await post('/v1/schedules', { id, spec: items, when: YEARLY, paused: true });
    const { status, body } = await post<Triggered>(`/v1/schedules/${id}/trigger`);
    expect(status).toBe(202);
    expect(body.job).toMatch(new RegExp(`^s-${id}-`));
    expect(await ended(body.job!)).toMatchObject({ state: 'completed', schedule: { id } });
    expect((await post<Triggered>(`/v1/schedules/${id}/trigger`)).body.job).not.toBe(body.job);
  });

  it('uses up none of the runs that are left, whatever is changed after it', async () => {
    const id = fresh('kept');
    await post('/v1/schedules', { id, spec: items, when: { at: '2099-01-01T00:00:00Z' } });
    await post<Triggered>(`/v1/schedules/${id}/trigger`);
    const { body } = await call('PATCH', `/v1/schedules/${id}`, { note: 'changed' });
    expect(body).toMatchObject({ remainingRuns: 1, next: ['2099-01-01T00:00:00.000Z'] });
  });

  it('says so where an open run makes the server skip it', async () => {
    const id = fresh('busy');
    const slow = { source: { items: [{ n: 1 }] }, process: { use: 'slow', with: { ms: 20_000 } } };
    await post('/v1/schedules', { id, spec: slow, when: YEARLY });
    const first = await post<Triggered>(`/v1/schedules/${id}/trigger`, { overlap: 'skip' });
    expect((await post<Triggered>(`/v1/schedules/${id}/trigger`, { overlap: 'skip' })).body.job).toBeNull();
    expect((await get(`/v1/schedules/${id}`)).body).toMatchObject({
      counts: { started: 1, skipped: 1 },
      running: [first.body.job],
    });
    await post(`/v1/jobs/${first.body.job}/cancel`);
    expect((await ended(first.body.job!)).state).toBe('cancelled');
  });
});

describe('a backfill', () => {
  it('is shown before, then each run takes the partition of its day', async () => {
    const id = fresh('days');
    for (const day of ['01', '02', '03']) await engine.write(`in-2026-03-${day}.csv`, `n\n${day}\n`);
    const spec = {
      source: { uri: engine.at('in-{{scheduledTime:yyyy-MM-dd}}.csv') },
      process: { use: 'pass' },
      sink: { uri: engine.at('out-{{scheduledTime-1d:yyyy-MM-dd}}.csv') },
    };
    const { body } = await post('/v1/schedules', { id, spec, when: { cron: '0 2 * * *' }, timezone: 'Asia/Tokyo' });
    expect(body.warnings[0]).toMatch(/in-\d{4}-\d\d-\d\d\.csv.*; the run that finds none fails$/);
    const range = { from: '2026-02-28T17:00:00Z', to: '2026-03-02T17:00:00Z' };
    const times = ['2026-02-28T17:00:00.000Z', '2026-03-01T17:00:00.000Z', '2026-03-02T17:00:00.000Z'];
    const preview = await post<BackfillView>(`/v1/schedules/${id}/backfill`, { ...range, preview: true });
    expect(preview).toMatchObject({ status: 200, body: { times, total: 3, overlap: 'bufferAll', started: false } });
    expect((await get(`/v1/schedules/${id}`)).body.counts.started).toBe(0);
    const started = await post<BackfillView>(`/v1/schedules/${id}/backfill`, range);
    expect(started).toMatchObject({ status: 202, body: { times, started: true } });
    const { recent } = await eventually(async () => {
      const { body: view } = await get(`/v1/schedules/${id}`);
      return view.recent.length === 3 && view.recent.every(({ state }) => state === 'completed') && view;
    });
    expect(recent.map(({ time }) => time).sort()).toEqual(times);
    expect(await engine.read('out-2026-02-28.csv')).toBe('n\n01\n');
    expect(await engine.read('out-2026-03-02.csv')).toBe('n\n03\n');
  });

  it.each([
    [{ from: '2026-03-02T00:00:00Z', to: '2026-03-01T00:00:00Z' }, 'schedule.bad_backfill', /is before from/],
    [{ from: '2026-03-02T00:00:00Z', to: '2126-03-01T00:00:00Z' }, 'schedule.bad_backfill', /is in the future/],
    [{ from: '2026-03-01T00:00:01Z', to: '2026-03-01T00:00:30Z' }, 'schedule.bad_backfill', /has no nominal time/],
    [
      { from: '2025-03-01T00:00:00Z', to: '2026-03-01T00:00:00Z' },
      'schedule.bad_backfill',
      /more than 1000 runs; the first 1000 end at 2025-03-01T16:39:00.000Z/,
    ],
    [{ from: 'yesterday', to: '2026-03-01T00:00:00Z' }, 'schedule.invalid', /^from: /],
  ])('%j is refused', async (range, code, detail) => {
    const id = fresh('minutes');
    await post('/v1/schedules', { id, spec: items, when: { cron: '* * * * *' }, paused: true });
    const { status, body } = await post<Problem>(`/v1/schedules/${id}/backfill`, range);
    expect(body).toMatchObject({ code, detail: expect.stringMatching(detail) as string });
    expect(status).toBe(422);
  });
});

describe('a retry of a run', () => {
  it('stands for the same time as the first', async () => {
    const id = fresh('again');
    const spec = { source: { uri: engine.at('late-{{scheduledTime:yyyy-MM-dd}}.csv') }, process: { use: 'pass' } };
    await post('/v1/schedules', { id, spec, when: { cron: '0 2 * * *' }, paused: true });
    await post(`/v1/schedules/${id}/backfill`, { from: '2026-04-05T00:00:00Z', to: '2026-04-05T12:00:00Z' });
    const [failed] = await eventually(async () => {
      const { recent } = (await get(`/v1/schedules/${id}`)).body;
      return recent[0]?.state === 'failed' && recent;
    });
    expect((await ended(failed!.job)).error).toMatchObject({ code: 'source.not_found' });
    await engine.write('late-2026-04-05.csv', 'n\n5\n');
    await post<JobView>(`/v1/jobs/${failed!.job}/retry`);
    expect(await ended(failed!.job)).toMatchObject({
      state: 'completed',
      generation: 1,
      schedule: { id, time: '2026-04-05T02:00:00.000Z' },
      result: { rows: [{ n: 5 }] },
    });
  });
});

describe('a backfill of what the server was not told of', () => {
  it.each([
    [{ solar: { event: 'sunrise', latitude: 52.5, longitude: 13.4 } }, 'UTC', /events of the sun are kept since/],
    [{ cron: '30 2 * * *' }, 'Europe/Berlin', /times around clock changes are kept since/],
  ])('%j in %s is refused, in its preview too', async (when, timezone, detail) => {
    const id = fresh('past');
    await post('/v1/schedules', { id, spec: items, when, timezone });
    const range = { from: '2024-10-20T00:00:00Z', to: '2024-10-30T00:00:00Z' };
    for (const preview of [true, false]) {
      const { body } = await post<Problem>(`/v1/schedules/${id}/backfill`, { ...range, preview });
      expect(body).toMatchObject({ status: 422, code: 'schedule.bad_backfill' });
      expect(body.detail).toMatch(detail);
    }
  });

  it('is taken where no clock changes', async () => {
    const id = fresh('past');
    await post('/v1/schedules', { id, spec: items, when: { cron: '30 2 * * *' }, timezone: 'Asia/Kolkata' });
    const range = { from: '2024-10-20T00:00:00Z', to: '2024-10-30T00:00:00Z', preview: true };
    expect((await post<BackfillView>(`/v1/schedules/${id}/backfill`, range)).body.total).toBe(10);
  });
});

describe('what comes', () => {
  it('is told of a whole schedule, until a time; of none there is a fault', async () => {
    const whole = { id: 'whole', spec: items, when: { cron: '0 0 * * *' }, overlap: 'skip' };
    const body = { ...whole, startAt: '2100-01-01T00:00:00Z', until: '2100-01-02T12:00:00Z' };
    expect((await post<Upcoming>('/v1/schedules/upcoming', body)).body.times.map(({ time }) => time)).toEqual([
      '2100-01-01T00:00:00.000Z',
      '2100-01-02T00:00:00.000Z',
    ]);
    expect((await post<Problem>('/v1/schedules/upcoming', null)).body).toMatchObject({
      status: 422,
      code: 'schedule.invalid',
    });
  });

  it('is told before there is a schedule', async () => {
    const { body } = await post<Upcoming>('/v1/schedules/upcoming', {
      when: { cron: '30 2 * * *' },
      timezone: 'Europe/Berlin',
      startAt: '2027-03-27T00:00:00Z',
      count: 3,
    });
    expect(body).toEqual({
      sentence: 'at 02:30 every day, Europe/Berlin',
      timezone: 'Europe/Berlin',
      times: [
        { time: '2027-03-27T01:30:00.000Z', local: '2027-03-27T02:30:00+01:00' },
        { time: '2027-03-28T01:00:00.000Z', local: '2027-03-28T03:00:00+02:00' },
        { time: '2027-03-29T00:30:00.000Z', local: '2027-03-29T02:30:00+02:00' },
      ],
    });
  });
  it('is what the server says too', async () => {
    const id = fresh('coming');
    const { body } = await post('/v1/schedules', {
      id,
      spec: items,
      when: { cron: ['*/7 3 * * mon', '0 0 1 * *'] },
      timezone: 'America/New_York',
    });
    const { times } = (await get<Upcoming>(`/v1/schedules/${id}/upcoming?count=10`)).body;
    expect(times.map(({ time }) => time)).toEqual(body.next);
    expect(
      (await get<Upcoming>(`/v1/schedules/${id}/upcoming?count=10&until=${body.next[2]}`)).body.times,
    ).toHaveLength(3);
  });
});

describe('what cannot run is refused before anything is stored', () => {
  it.each<[object, string, string]>([
    [{ when: { cron: '99 * * * *' } }, 'schedule.invalid', '/when/cron'],
    [{ spec: { ...items, process: { use: 'nothing' } } }, 'processor.unknown', '/spec/process/use'],
    [{ spec: { ...items, nmae: 1 } }, 'spec.invalid', '/spec/nmae'],
    [{ spec: { ...items, name: '{{today}}' } }, 'spec.invalid', '/spec/name'],
    [
      { spec: { source: { uri: '/etc/{{scheduledTime:yyyy}}' }, process: { use: 'pass' } } },
      'path.outside_root',
      '/spec/source/uri',
    ],
    [{ spec: items, job: 'j-1' }, 'schedule.invalid', '/job'],
    [{ spec: undefined, job: 'j-none' }, 'job.not_found', ''],
  ])('%j', async (changes, code, path) => {
    const id = fresh('bad');
    const { body } = await post<Problem>('/v1/schedules', { id, spec: items, when: YEARLY, ...changes });
    expect({ code: body.code, path: body.errors[0]?.path ?? '' }).toEqual({ code, path });
    expect((await get(`/v1/schedules/${id}`)).status).toBe(404);
  });

  it('a job with templates that no schedule started', async () => {
    const { body } = await post<Problem>('/v1/jobs', { ...items, name: 'x {{scheduledTime}}' });
    expect(body).toMatchObject({ code: 'spec.invalid', errors: [{ path: '/name' }] });
  });
});
