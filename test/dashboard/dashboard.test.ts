/** The pages without a browser: over the real API, a real server and a real worker. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { JobView } from '../../src/core/job.js';
import { apiOver } from '../helpers/api-over.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { eventually } from '../helpers/eventually.js';

const HOSTILE = '<script>alert(1)</script>';

let engine: Engine;
let app: OpenAPIHono;
beforeAll(async () => {
  engine = await startEngine('dashboard');
  app = await apiOver(engine);
});
afterAll(() => engine.stop());

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

async function page(path: string): Promise<{ status: number; text: string }> {
  const answer = await app.request(path, { headers: browser });
  expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
  return { status: answer.status, text: await answer.text() };
}

/** As a browser sends a form. */
async function press(path: string, fields: Record<string, string> | Array<[string, string]> = {}) {
  const body = new URLSearchParams(fields);
  const answer = await app.request(path, { method: 'POST', body, headers: { ...browser, origin: 'http://localhost' } });
  return { status: answer.status, to: answer.headers.get('location'), text: await answer.text() };
}

async function submit(spec: unknown, wait = ''): Promise<JobView> {
  const headers = { 'content-type': 'application/json' };
  const answer = await app.request(`/v1/jobs${wait}`, { method: 'POST', headers, body: JSON.stringify(spec) });
  expect(answer.status).toBe(202);
  return (await answer.json()) as JobView;
}

const view = async (id: string) => (await (await app.request(`/v1/jobs/${id}`)).json()) as JobView;

const slow = (name = 'slow-one') => ({
  name,
  source: { items: Array.from({ length: 400 }, (_, n) => ({ n })) },
  process: { use: 'slow', with: { ms: 50 } },
  options: { chunk: { rows: 1 }, concurrency: 2 },
});

describe('the list of jobs', () => {
  it('is filtered by what its address says, and shows names as text', async () => {
    const { id } = await submit(
      { name: HOSTILE, source: { items: [{ a: 1 }] }, process: { use: 'sql', with: { map: 'from chunk' } } },
      '?wait=30s',
    );
    const all = await eventually(async () => {
      const found = await page('/?state=completed');
      return found.text.includes(id) && found;
    });
    expect(all.text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(all.text).not.toContain('<script>alert');
    expect((await page(`/?search=${id}`)).text).toContain(`/jobs/${id}`);
    expect((await page(`/?search=${id}&state=failed`)).text).toContain('No job is like this');
    expect((await page(`/?search=${encodeURIComponent(HOSTILE.slice(0, 7))}`)).text).toContain(`/jobs/${id}`);
  });

  it('cancels those that are chosen, and comes back to where it was', async () => {
    const jobs = [await submit(slow()), await submit(slow())];
    const ids = jobs.map(({ id }): [string, string] => ['id', id]);
    const pressed = await press('/jobs/orders', [['order', 'cancel'], ['back', '/?state=running'], ...ids]);
    expect(pressed).toMatchObject({ status: 303, to: '/?state=running' });
    for (const { id } of jobs) await eventually(async () => (await view(id)).state === 'cancelled');
    expect((await press('/jobs/orders', { order: 'cancel', back: '//elsewhere.example' })).to).toBe('/');
  });

  it('says of which it was refused, and why', async () => {
    const { id } = await submit(slow());
    const { status, text } = await press('/jobs/orders', { order: 'retry', id });
    expect(status).toBe(409);
    expect(text).toContain('job.open');
    await press(`/jobs/${id}/cancel`);
  });
});

describe('the page of a job', () => {
  it('shows an open one with its chunks, and steers it', async () => {
    const { id } = await submit(slow());
    const path = `/jobs/${id}`;
    const open = await eventually(async () => {
      const { text } = await page(path);
      return /\d+ done, \d+ at work/.test(text) && text;
    });
    expect(open).toContain(`data-events="/v1/jobs/${id}/events"`);
    expect(open).toContain('cell-running');
    expect(open).toContain(`action="${path}/pause"`);

    expect(await press(`${path}/pause`)).toMatchObject({ status: 303, to: `${path}?done=pause` });
    const paused = await page(`${path}?done=pause`);
    expect(paused.text).toContain('It hands out no more chunks');
    await eventually(async () => (await page(path)).text.includes(`action="${path}/resume"`));

    const was = { 'was.concurrency': '2', 'was.rate': '', 'was.rateOf': 'records', 'was.priority': '3' };
    const same = { concurrency: '2', rateOf: 'records', priority: '3' };
    const changed = await press(`${path}/settings`, {
      ...was,
      ...same,
      rate: '100/s',
      rateOf: 'chunks',
      concurrency: '7',
    });
    expect(changed).toMatchObject({ status: 303 });
    const settings = await eventually(async () => (await view(id)).settings);
    expect(settings).toMatchObject({ concurrency: 7, rate: { chunks: 100 } });

    const bad = await press(`${path}/settings`, { ...was, ...same, rate: 'fast' });
    expect(bad.status).toBe(422);
    expect(bad.text).toContain('job.bad_settings');
    expect(bad.text).toContain('slow-one');

    expect(await press(`${path}/resume`)).toMatchObject({ status: 303 });
    expect(await press(`${path}/cancel`)).toMatchObject({ status: 303 });
    await eventually(async () => (await page(path)).text.includes('state-cancelled'));
    expect((await page(path)).text).toContain('Retry only what failed');
  });

  it('shows rows and rejected records as text, and starts one like it', async () => {
    const source = await engine.write('<b>.csv', `a,b\n1,x\n2,${'<img src=x>'},3\n3,${HOSTILE}\n`);
    const { id } = await submit(
      {
        name: 'few',
        source: { uri: source },
        process: { use: 'sql', with: { map: 'from chunk' } },
        options: { rejects: { action: 'quarantine', tolerate: 5 } },
      },
      '?wait=30s',
    );
    const { text } = await page(`/jobs/${id}`);
    expect(text).toContain('completed with rejects');
    expect(text).toContain('row.column_count');
    expect(text).toContain('2,&lt;img src=x&gt;,3');
    expect(text).toContain('<td>&lt;script&gt;alert(1)&lt;/script&gt;</td>');
    expect(text).not.toMatch(/<img|<script>|<b>\.csv/);
    expect(text).toContain('Retry only what failed');
    const again = await page(`/submit?from=${id}`);
    expect(again.text).toContain('&quot;name&quot;: &quot;few&quot;');
  });

  it('names the chunks that were given up, and of what', async () => {
    const { id } = await submit(
      {
        name: 'broken',
        source: { items: [{ n: 1 }, { n: 2 }, { n: 'no number' }] },
        process: { use: 'sql', with: { map: 'select cast(n as integer) n from chunk' } },
        options: { chunk: { rows: 1 }, failedChunks: { tolerate: 1 }, retry: { attempts: 1 } },
      },
      '?wait=30s',
    );
    const { text } = await page(`/jobs/${id}`);
    expect(text).toContain('2 done, 1 failed');
    expect(text).toMatch(/Failed, or being tried again[^]*<th scope="row">3<\/th><td>given up/);
  });

  it('that is not there says so', async () => {
    const { status, text } = await page('/jobs/j-nobody');
    expect(status).toBe(404);
    expect(text).toContain('job.not_found');
  });
});

describe('the form for a job', () => {
  const spec =
    'name: typed\nsource:\n  items: [{ a: 1 }, { a: 2 }]\nprocess: { use: sql, with: { map: select a * 2 as b from chunk } }';

  it('shows the plan and keeps what was typed', async () => {
    const { status, text } = await press('/submit', { spec, key: 'k-1', order: 'plan' });
    expect(status).toBe(200);
    expect(text).toContain('The first records');
    expect(text).toContain('name: typed');
    expect(text).toContain('value="k-1"');
  });

  it('starts one job, however often it is pressed', async () => {
    const key = `twice-${Date.now()}`;
    const first = await press('/submit', { spec, key, order: 'start' });
    expect(first.status).toBe(303);
    expect(await press('/submit', { spec, key, order: 'start' })).toMatchObject({ status: 303, to: first.to });
    const id = first.to!.replace('/jobs/', '');
    await eventually(async () => (await view(id)).state === 'completed');
    expect((await page(first.to!)).text).toContain('<td class="number">4</td>');
  });

  it('says what is wrong, with its place, and keeps what was typed', async () => {
    const { status, text } = await press('/submit', { spec: 'nme: typo\nsource: {}', key: 'k', order: 'start' });
    expect(status).toBe(422);
    expect(text).toContain('spec.invalid');
    expect(text).toContain('nme: typo');
    expect((await press('/submit', { spec: ': [', key: 'k', order: 'plan' })).status).toBe(400);
  });
});

describe('schedules', () => {
  it('are listed, run, paused and backfilled', async () => {
    const schedule = {
      spec: {
        name: 'of-schedule',
        source: { items: [{ a: 1 }] },
        process: { use: 'sql', with: { map: 'from chunk' } },
      },
      when: { cron: '0 3 * * *' },
      overlap: 'allowAll',
    };
    const id = `dash-${Date.now()}`;
    const headers = { 'content-type': 'application/json' };
    const made = await app.request(`/v1/schedules/${id}`, { method: 'PUT', headers, body: JSON.stringify(schedule) });
    expect(made.status).toBe(201);
    const path = `/schedules/${id}`;
    await eventually(async () => (await page('/schedules')).text.includes(path));
    expect((await page(path)).text).toContain('Next times');

    expect(await press(`${path}/pause`, { back: '/schedules' })).toMatchObject({
      to: '/schedules?done=schedule-pause',
    });
    await eventually(async () => (await page(path)).text.includes(`${path}/resume`));
    expect(await press(`${path}/resume`)).toMatchObject({ to: `${path}?done=schedule-resume` });
    expect(await press(`${path}/trigger`)).toMatchObject({ to: `${path}?done=trigger` });
    await eventually(async () => (await page(path)).text.includes('>of-schedule</a>'));

    const range = { from: '2026-01-01T00:00:00Z', to: '2026-01-03T00:00:00Z' };
    const preview = await press(`${path}/backfill`, { ...range, order: 'preview' });
    expect(preview.text).toContain('Start 2 runs');
    expect(preview.text).toContain('2026-01-02 03:00:00 UTC');
    expect(await press(`${path}/backfill`, { ...range, order: 'start' })).toMatchObject({
      to: `${path}?done=backfill`,
    });
    const bad = await press(`${path}/backfill`, { from: 'yesterday', to: '', order: 'start' });
    expect(bad.status).toBe(422);
    expect(bad.text).toContain('schedule.invalid');
    await app.request(`/v1/schedules/${id}`, { method: 'DELETE' });
  });
});

describe('every page', () => {
  it('brings no script and no style of its own, so that the strict policy holds', async () => {
    const { id } = await submit(slow('policy'));
    for (const path of ['/', `/jobs/${id}`, '/schedules', '/workers', '/submit', '/jobs/nobody']) {
      const answer = await app.request(path, { headers: browser });
      expect(answer.headers.get('content-security-policy')).toContain("script-src 'self'");
      const text = await answer.text();
      expect(text.replace(/<script type="module" src="[^"]+"><\/script>/, '')).not.toMatch(
        /<script| style=| on[a-z]+=/,
      );
    }
    await press(`/jobs/${id}/cancel`);
  });

  it('names the worker and what it has', async () => {
    const { text } = await page('/workers');
    expect(text).toContain('1 worker, 2 chunks at once');
    expect(text).toContain('<strong>slow</strong>');
  });

  it('gets its assets once', async () => {
    const first = await app.request('/assets/app.js?1');
    expect(first.headers.get('content-type')).toMatch(/^text\/javascript/);
    const headers = { 'if-none-match': first.headers.get('etag')! };
    expect((await app.request('/assets/app.js?1', { headers })).status).toBe(304);
    for (const name of ['../dashboard.tsx', '..%2fassets.ts', 'constructor']) {
      expect((await app.request(`/assets/${name}`)).status).toBe(404);
    }
  });

  it('takes no orders from other sites', async () => {
    const answer = await app.request('/jobs/j-1/cancel', {
      method: 'POST',
      headers: { origin: 'https://elsewhere.example' },
    });
    expect(answer.status).toBe(403);
  });
});
