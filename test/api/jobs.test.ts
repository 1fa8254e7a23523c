import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobResult, JobView, PlanView, ProcessorInfo } from '../../src/core/job.js';
import { keys } from '../../src/core/receipt.js';
import { jobViewSchema, problemSchema } from '../../src/schema/views.js';
import type { JobList, Problem, ProcessorList } from '../../src/schema/views.js';
import { startService, workerCard } from './support/service.js';
import type { Service } from './support/service.js';
import { eventually } from '../helpers/eventually.js';

let service: Service;
beforeAll(async () => {
  service = await startService();
  await service.work.replace(...workerCard(PROCESSORS));
}, 60_000);
afterAll(() => service.stop(), 60_000);

const PROCESSORS: ProcessorInfo[] = [
  { name: 'echo', description: 'Gives what it is told', kind: 'record', params: {} },
  { name: 'fail', description: 'Fails', kind: 'record', params: {} },
  {
    name: 'slow',
    description: 'Never ends',
    kind: 'record',
    params: { type: 'object', properties: { lang: { type: 'string' } }, additionalProperties: false },
  },
];

const result: JobResult = {
  state: 'completed',
  counts: { in: 2, used: 2, filtered: 0, rejected: 0, out: 2 },
  bytes: 20,
  chunks: 1,
  finishedAt: '2026-01-02T03:04:07.000Z',
  manifest: 'x/output/manifest.json',
  output: {
    uri: 'x/output/result.ndjson',
    inWorkArea: true,
    format: 'ndjson',
    single: true,
    records: 2,
    bytes: 20,
    columns: [{ name: 'n', type: 'int' }],
  },
  rejects: null,
  failedChunks: 0,
};

const items = [{ n: 1 }, { n: 2 }];
const echo = (changes: Partial<JobResult> = {}, name = 'echo') => ({
  name,
  source: { items },
  process: { use: 'echo', with: { result: { ...result, ...changes } } },
});
const slow = { source: { items }, process: { use: 'slow' } };

async function call<T>(method: string, at: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await service.app.request(at, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as T };
}

const post = <T = JobView>(at: string, body?: unknown, headers?: Record<string, string>) =>
  call<T>('POST', at, body, headers);
const get = <T = JobView>(at: string) => call<T>('GET', at);

async function refused(answer: Promise<{ status: number; headers: Headers; body: unknown }>): Promise<Problem> {
  const { status, headers, body } = await answer;
  const problem = problemSchema.loose().parse(body);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(problem.status).toBe(status);
  expect(problem.type).toBe(`/problems/${problem.code}`);
  return problem;
}

describe('POST /v1/jobs', () => {
  it('answers 202 with the place of the job, which then completes', async () => {
    const { status, headers, body } = await post('/v1/jobs', echo());
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(`/v1/jobs/${body.id}`);
    expect(body).toMatchObject({ name: 'echo', processor: 'echo', state: 'pending', source: '2 items', warnings: [] });
    expect(body.id).toMatch(/^j-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/);
    expect(jobViewSchema.strict().parse(body)).toEqual(body);

    const done = await get(`/v1/jobs/${body.id}?wait=10s`);
    expect(done.body).toMatchObject({
      state: 'completed',
      result: { counts: result.counts },
      error: null,
      stale: false,
    });
    expect(done.body.links.temporal).toBe(
      `http://ui/namespaces/${service.client.options.namespace}/workflows/${body.id}`,
    );
    expect(jobViewSchema.strict().parse(done.body)).toEqual(done.body);
  });

  it('waits where it is asked to', async () => {
    const { status, body } = await post('/v1/jobs?wait=10s', echo());
    expect([status, body.state]).toEqual([202, 'completed']);
    const began = Date.now();
    const open = await post('/v1/jobs?wait=300ms', slow);
    expect(Date.now() - began).toBeGreaterThanOrEqual(300);
    expect(open.body.finishedAt).toBeNull();
    const running = await eventually(async () => {
      const { body: shown } = await get(`/v1/jobs/${open.body.id}`);
      return !shown.stale && shown.progress?.chunks.done === 1 && shown;
    });
    expect(running).toMatchObject({ state: 'running', progress: { chunks: { total: 4, done: 1, running: 2 } } });
    await service.jobs.cancel(open.body.id);
  });

  it('takes YAML too', async () => {
    const response = await service.app.request('/v1/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/yaml' },
      body: 'source: { items: [{ n: 1 }] }\nprocess: { use: fail }\n',
    });
    expect(response.status).toBe(202);
  });

  it('shows itself in the Temporal UI', async () => {
    const { body } = await post('/v1/jobs', { ...echo(), name: 'x'.repeat(200), options: { priority: 1 } });
    const description = await service.client.workflow.getHandle(body.id).describe();
    expect(Buffer.byteLength((await description.staticSummary())!)).toBeLessThanOrEqual(200);
    expect(description.priority).toMatchObject({ priorityKey: 1, fairnessKey: body.id });
    expect(await description.staticDetails()).toBe(
      '- processor `echo`\n- source 2 items\n- sink none: the result is served by the API',
    );
  });

  it('moves large items to the work area', async () => {
    const many = Array.from({ length: 2000 }, (_, n) => ({ n, text: 'some text' }));
    const { body } = await post('/v1/jobs?wait=10s', { ...echo(), source: { items: many } });
    const { events } = await service.client.workflow.getHandle(body.id).fetchHistory();
    const started = events![0]!.workflowExecutionStartedEventAttributes!;
    const argument = JSON.parse(Buffer.from(started.input!.payloads![0]!.data!).toString()) as { source: unknown };
    expect(argument.source).toEqual({ itemsKey: keys.items(body.id) });
    const kept = (await service.work.read(keys.items(body.id))).toString().trimEnd().split('\n');
    expect(kept.map((line) => JSON.parse(line) as unknown)).toEqual(many);
  });

  it('warns where no worker is known', async () => {
    const stale = workerCard([], { renewedAt: new Date(Date.now() - 100_000).toISOString() });
    await service.work.replace(...stale);
    await new Promise((resolve) => setTimeout(resolve, 2100));
    const { status, body } = await post('/v1/jobs', { ...slow, process: { use: 'whatever' } });
    await service.work.replace(...workerCard(PROCESSORS));
    await new Promise((resolve) => setTimeout(resolve, 2100));
    expect([status, body.warnings]).toEqual([
      202,
      ['no worker is known; the job waits until one starts (millrace worker)'],
    ]);
  });
});

describe('Idempotency-Key', () => {
  const run = randomUUID();
  const key = (value: string) => ({ 'idempotency-key': `${run}-${value}` });

  it('gives the same job for the same spec, running or done', async () => {
    const first = await post('/v1/jobs', slow, key('a'));
    const again = await post('/v1/jobs', slow, key('a'));
    expect(again.body.id).toBe(first.body.id);
    expect(first.body.id).toMatch(/^j-[0-9a-f]{64}$/);
    await post(`/v1/jobs/${first.body.id}/cancel`);
    await get(`/v1/jobs/${first.body.id}?wait=10s`);
    const closed = await post('/v1/jobs', slow, key('a'));
    expect([closed.status, closed.body.id, closed.body.state]).toEqual([202, first.body.id, 'cancelled']);
  });

  it('refuses another spec', async () => {
    await post('/v1/jobs?wait=10s', echo(), key('b'));
    const problem = await refused(post('/v1/jobs', slow, key('b')));
    expect([problem.status, problem.code]).toEqual([422, 'idempotency.key_reused']);
  });

  it('starts one job for many requests at once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => post('/v1/jobs', echo(), key('c'))));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(answers.every((answer) => answer.status === 202)).toBe(true);
  });

  it('lets one of two specs at once win', async () => {
    const answers = await Promise.all([post('/v1/jobs', echo(), key('d')), post('/v1/jobs', slow, key('d'))]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([202, 422]);
  });

  it('outlives the source and the sink', async () => {
    await writeFile(path.join(service.data, 'once.csv'), 'n\n1\n');
    const spec = { ...echo(), source: { uri: 'once.csv' }, sink: { uri: 'once-out.csv' } };
    const first = await post('/v1/jobs?wait=10s', spec, key('e'));
    await writeFile(path.join(service.data, 'once-out.csv'), 'n\n1\n');
    const again = await post('/v1/jobs', spec, key('e'));
    expect([again.status, again.body.id]).toEqual([202, first.body.id]);
    expect((await refused(post('/v1/jobs', spec))).code).toBe('sink.exists');
  });
});

describe('before anything starts, a job is refused for', () => {
  beforeAll(async () => {
    await writeFile(path.join(service.data, 'a.csv'), 'n\n1\n');
    await writeFile(path.join(service.data, 'a.dat'), 'n\n1\n');
    await writeFile(path.join(service.data, 'cut.parquet'), `PAR1${'x'.repeat(100)}`);
    await writeFile(path.join(service.data, 'taken.csv'), '');
  });
  const job = (changes: object) => ({ source: { uri: 'a.csv' }, process: { use: 'slow' }, ...changes });

  it.each<[object, number, string, string]>([
    [job({ sink: { uri: 'x.csv', formt: 'csv' } }), 422, 'spec.invalid', '/sink/formt'],
    [job({ options: { order: 'any' } }), 422, 'spec.unsupported', '/options/order'],
    [job({ source: { uri: 'absent.csv' } }), 422, 'source.not_found', '/source/uri'],
    [job({ source: { uri: 'none-*.csv' } }), 422, 'source.not_found', '/source/uri'],
    [job({ source: { uri: '../../etc/passwd', format: 'csv' } }), 422, 'path.outside_root', '/source/uri'],
    [job({ source: { uri: 's3://bucket/a.csv' } }), 422, 'source.scheme', '/source/uri'],
    [job({ source: { uri: 'a.dat' } }), 422, 'source.unknown_format', '/source/uri'],
    [job({ source: { uri: 'cut.parquet' } }), 422, 'source.corrupt_parquet', '/source/uri'],
    [job({ source: { uri: 'a.csv', format: 'parquet' } }), 422, 'source.corrupt_parquet', '/source/uri'],
    [job({ sink: { uri: 'taken.csv' } }), 422, 'sink.exists', '/sink/uri'],
    [job({ sink: { uri: '/etc/x.csv' } }), 422, 'path.outside_root', '/sink/uri'],
    [job({ process: { use: 'slwo' } }), 422, 'processor.unknown', '/process/use'],
    [job({ process: { use: 'slow', with: { lagn: 'x' } } }), 422, 'processor.bad_params', '/process/with/lagn'],
  ])('%j: %i %s', async (spec, status, code, place) => {
    const problem = await refused(post('/v1/jobs', spec));
    expect([problem.status, problem.code, problem.errors[0]!.path]).toEqual([status, code, place]);
    expect(problem.detail).not.toMatch(/\.$/);
  });

  it('an unknown processor, naming the known ones', async () => {
    const { detail } = await refused(post('/v1/jobs', job({ process: { use: 'slwo' } })));
    expect(detail).toBe('processor "slwo" is not known to any worker; did you mean "slow"? known: echo, fail, slow');
  });
});

describe('GET /v1/jobs/{id}', () => {
  it('says why a job failed', async () => {
    const { body } = await post('/v1/jobs?wait=10s', { source: { items }, process: { use: 'fail' } });
    expect(body).toMatchObject({ state: 'failed', error: { code: 'sql.failed', message: 'column "x" is not there' } });
    expect(body.finishedAt).not.toBeNull();
  });

  it('says that a job was terminated from outside', async () => {
    const { body } = await post('/v1/jobs', slow);
    await service.client.workflow.getHandle(body.id).terminate('enough');
    expect((await get(`/v1/jobs/${body.id}`)).body).toMatchObject({
      state: 'failed',
      error: { code: 'job.terminated' },
    });
  });

  it('tells nothing to who knows it already, and of a job that went on all', async () => {
    const { body } = await post('/v1/jobs', slow);
    const ask = (known?: string, path = '') =>
      service.app.request(`/v1/jobs/${body.id}${path}`, { headers: known ? { 'if-none-match': known } : {} });
    const tagOf = async (path?: string) => (await ask(undefined, path)).headers.get('etag')!;
    const [known, spec] = [await tagOf(), await tagOf('/spec')];
    expect((await ask(spec, '/spec')).status).toBe(304);
    await service.jobs.cancel(body.id);
    await eventually(async () => (await get(`/v1/jobs/${body.id}`)).body.state === 'cancelled');
    const [after, tag] = [await ask(known), await tagOf()];
    expect([after.status, await after.json()]).toMatchObject([200, { state: 'cancelled' }]);
    const again = await ask(`"other", ${tag}`);
    expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, tag, '']);
    const none = await service.app.request('/v1/jobs/j-none', { headers: { 'if-none-match': '*' } });
    expect([none.status, none.headers.get('etag')]).toEqual([404, null]);
  });

  it('knows jobs only', async () => {
    expect((await refused(get('/v1/jobs/j-none'))).code).toBe('job.not_found');
    const { body } = await post<PlanView>('/v1/plan', slow);
    expect(body.name).toBe('tiny');
    for await (const plan of service.client.workflow.list({ query: `WorkflowType = 'planDataset'` })) {
      expect((await refused(get(`/v1/jobs/${plan.workflowId}`))).code).toBe('job.not_found');
    }
  });
});

describe('GET /v1/jobs/{id}/events', () => {
  interface Told {
    event: string;
    id: string;
    job: JobView;
  }

  /** Each event as it comes; comments and `retry` alone are none. */
  async function* events(response: Response): AsyncGenerator<Told> {
    let text = '';
    for await (const bytes of response.body!.pipeThrough(new TextDecoderStream())) {
      text += bytes;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const lines = text
          .slice(0, end)
          .split('\n')
          .map((line) => /^(\w+): (.*)$/.exec(line)!.slice(1));
        text = text.slice(end + 2);
        const { event, id, data } = Object.fromEntries(lines) as Record<string, string>;
        if (event) yield { event, id: id!, job: JSON.parse(data!) as JobView };
      }
    }
  }

  const watch = (id: string, seen?: string) =>
    service.app.request(`/v1/jobs/${id}/events`, { headers: seen === undefined ? {} : { 'last-event-id': seen } });

  it('tells how the job stands, then its end; one who knows the end is told no more', async () => {
    const { id } = (await post('/v1/jobs?wait=300ms', slow)).body;
    const response = await watch(id);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const told: Told[] = [];
    for await (const event of events(response)) {
      told.push(event);
      if (event.event === 'job' && event.job.state === 'running') await post(`/v1/jobs/${id}/cancel`);
    }
    const end = told.at(-1)!;
    expect(told.map(({ event }) => event).lastIndexOf('job')).toBe(told.length - 2);
    expect(end).toMatchObject({ event: 'end', job: { id, state: 'cancelled' } });
    expect(jobViewSchema.strict().parse(end.job)).toEqual((await get(`/v1/jobs/${id}`)).body);
    expect((await watch(id, end.id)).status).toBe(204);
    const again: Told[] = [];
    for await (const event of events(await watch(id, 'another'))) again.push(event);
    expect(again).toEqual([end]);
  });

  it('of an unknown job is 404', async () => {
    expect((await refused(get('/v1/jobs/nope/events'))).code).toBe('job.not_found');
  });
});

describe('POST /v1/jobs/{id}/cancel', () => {
  it('ends an open job, and leaves one that has ended as it is', async () => {
    const { body } = await post('/v1/jobs?wait=300ms', slow);
    expect((await post(`/v1/jobs/${body.id}/cancel`)).status).toBe(200);
    const done = await get(`/v1/jobs/${body.id}?wait=10s`);
    expect(done.body).toMatchObject({ state: 'cancelled', result: null, error: null });
    expect((await post(`/v1/jobs/${body.id}/cancel`)).body).toEqual(done.body);
  });

  it('of an unknown job is 404', async () => {
    expect((await refused(post('/v1/jobs/nope/cancel'))).status).toBe(404);
  });
});

describe('POST /v1/jobs/{id}/retry', () => {
  const reject = {
    source: 'items',
    chunk: 0,
    offset: null,
    line: null,
    record: 2,
    code: 'c.d',
    message: 'm',
    raw: '{}',
  };
  const line = (changes = {}) => JSON.stringify({ ...reject, ...changes });

  /** A job of the tiny workflows with what the activities of a real one leave in the work area. */
  async function ended(changes: Partial<JobResult>, work = true): Promise<string> {
    const { id } = (await post('/v1/jobs?wait=10s', echo(changes))).body;
    const keepUntil = { work: '2999-01-01T00:00:00Z', result: '2999-01-01T00:00:00Z' };
    if (work) await service.work.replace(keys.ended(id), JSON.stringify({ state: 'x', endedAt: '', keepUntil }));
    return id;
  }

  async function withRejects(): Promise<string> {
    const uri = `rejects-${randomUUID()}/rejects.ndjson`;
    await service.work.publish(uri, `${line()}\n${line({ record: 3 })}\n`);
    return ended({ state: 'completed_with_rejects', rejects: { uri, records: 2 } });
  }

  async function retry(id: string, body?: string, type = 'application/x-ndjson') {
    const headers = body === undefined ? undefined : { 'content-type': type };
    const response = await service.app.request(`/v1/jobs/${id}/retry`, { method: 'POST', headers, body });
    return { status: response.status, headers: response.headers, body: (await response.json()) as JobView };
  }

  it('answers 202 with the place of the job, whose newest run is shown from then on', async () => {
    const id = await ended({ state: 'completed_with_rejects' });
    const { status, headers, body } = await retry(id);
    expect([status, headers.get('location'), body.id, body.state]).toEqual([202, `/v1/jobs/${id}`, id, 'pending']);
    expect(jobViewSchema.strict().parse(body)).toEqual(body);
    const done = (await get(`/v1/jobs/${id}?wait=10s`)).body;
    expect([done.state, done.source, done.processor]).toEqual(['completed_with_rejects', '2 items', 'echo']);
    expect(Date.parse(done.createdAt)).toBeGreaterThanOrEqual(Date.parse(body.createdAt) - 1000);
  });

  it('takes a corrected reject file and puts it where the run finds it', async () => {
    const id = await withRejects();
    expect((await retry(id, `${line({ raw: '{"n":1}' })}\n\n`)).status).toBe(202);
    await get(`/v1/jobs/${id}?wait=10s`);
    const { events } = await service.client.workflow.getHandle(id).fetchHistory();
    const [, payload] = events![0]!.workflowExecutionStartedEventAttributes!.input!.payloads!;
    const given = JSON.parse(Buffer.from(payload!.data!).toString()) as { run: number; corrections: string };
    expect(given.run).toBe(1);
    const stored = await service.work.read(keys.correction(given.corrections, 0));
    expect(JSON.parse(stored.toString())).toMatchObject({ record: 2, raw: '{"n":1}' });
  });

  it.each([
    ['no JSON', 'x\n', [0]],
    ['a list', '[]', [0]],
    ['no raw', '{"chunk":0}', [0]],
    ['of a record that was not rejected', `${line()}\n${line({ record: 9 })}`, [1]],
    ['of another file', line({ source: 'other.csv' }), [0]],
    ['twice the same record', `${line()}\n${line()}\nx`, [1, 2]],
    ['blank', '\n{}', [1]],
  ])('refuses a file with a line that is %s', async (_, body, at) => {
    const problem = await refused(retry(await withRejects(), body));
    expect([problem.status, problem.code]).toEqual([422, 'rejects.invalid']);
    expect(problem.errors.map(({ path }) => path)).toEqual(at.map((i) => `/${i}`));
    expect(problem.errors[0]!.message).toContain(`line ${at[0]! + 1}: `);
  });

  it('refuses what cannot be retried, and says why', async () => {
    const codeOf = async (answer: ReturnType<typeof retry>) => {
      const { status, code } = await refused(answer);
      return [status, code];
    };
    expect(await codeOf(retry('j-nowhere'))).toEqual([404, 'job.not_found']);
    expect(await codeOf(retry(await ended({})))).toEqual([409, 'job.nothing_to_retry']);
    expect(await codeOf(retry(await ended({ state: 'completed_with_rejects' }, false)))).toEqual([410, 'job.expired']);
    expect(await codeOf(retry(await ended({ state: 'completed_with_rejects' }), line()))).toEqual([
      422,
      'rejects.invalid',
    ]);
    expect(await codeOf(retry(await withRejects(), line(), 'text/plain'))).toEqual([415, 'request.media_type']);
    const open = (await post('/v1/jobs', slow)).body.id;
    expect(await codeOf(retry(open))).toEqual([409, 'job.open']);
    await service.jobs.cancel(open);
  });

  it('is listed once, by its newest run', async () => {
    const name = `retried-${randomUUID()}`;
    const { id } = (await post('/v1/jobs?wait=10s', echo({ state: 'completed_with_rejects' }, name))).body;
    const keepUntil = { work: '2999-01-01T00:00:00Z', result: '2999-01-01T00:00:00Z' };
    await service.work.replace(keys.ended(id), JSON.stringify({ keepUntil }));
    await retry(id);
    await get(`/v1/jobs/${id}?wait=10s`);
    const runs = () => service.client.workflow.count(`MillraceName = '${name}'`);
    await expect.poll(async () => (await runs()).count).toBe(2);
    expect((await get<JobList>(`/v1/jobs?name=${name}`)).body.jobs.map((job) => job.id)).toEqual([id]);
  });
});

describe('GET /v1/jobs', () => {
  async function eventually<T>(look: () => Promise<T>, check: (found: T) => boolean): Promise<T> {
    for (let tries = 0; ; tries++) {
      const found = await look();
      if (check(found) || tries === 50) return found;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  const list = (query: string) => get<JobList>(`/v1/jobs?${query}`).then(({ body }) => body);

  it('finds by name, whatever stands in it', async () => {
    const names = [`it's`, `a' OR WorkflowType = 'planDataset`, `x OR 1=1 --`, `naïve 東京`].map(
      (name) => `${name} ${randomUUID()}`,
    );
    for (const name of names) {
      const { body } = await post('/v1/jobs', echo({}, name));
      const found = await eventually(
        () => list(new URLSearchParams({ name }).toString()),
        ({ jobs }) => jobs.length > 0,
      );
      expect(found.jobs.map((job) => [job.id, job.name])).toEqual([[body.id, name]]);
    }
    for (const name of [`' OR WorkflowType != '`, `\\' OR WorkflowType != '`, `" OR 1 = 1 --`]) {
      expect((await list(new URLSearchParams({ name }).toString())).jobs).toEqual([]);
    }
  });

  it('finds by state and pages through', async () => {
    const paged = `paged-${randomUUID()}`;
    const ids: string[] = [];
    for (let n = 0; n < 5; n++)
      ids.push((await post('/v1/jobs?wait=10s', echo({ state: 'completed_with_rejects' }, paged))).body.id);
    const query = `name=${paged}&state=completed_with_rejects`;
    await eventually(
      () => list(query),
      ({ jobs }) => jobs.length === 5,
    );
    const first = await get<JobList>(`/v1/jobs?${query}&limit=3`);
    expect(first.headers.get('link')).toContain('rel="next"');
    const second = await list(`${query}&limit=3&cursor=${first.body.nextCursor}`);
    expect([...first.body.jobs, ...second.jobs].map((job) => job.id).sort()).toEqual(ids.sort());
    expect(second.nextCursor).toBeNull();
    expect((await list(`name=${paged}&state=completed`)).jobs).toEqual([]);
    expect((await list(`name=${paged}&since=2999-01-01T00:00:00Z`)).jobs).toEqual([]);
    expect(first.body.jobs[0]).toMatchObject({
      state: 'completed_with_rejects',
      source: '2 items',
      progress: null,
      result: null,
    });
  });

  it.each(['state=lost', 'limit=0', 'limit=201', 'limit=x', 'since=yesterday', 'cursor=bm9uc2Vuc2U'])(
    'refuses %s',
    async (query) => {
      expect((await refused(get(`/v1/jobs?${query}`))).status).toBe(422);
    },
  );
});

describe('what a job gave', () => {
  async function done(changes: Partial<JobResult>): Promise<string> {
    return (await post('/v1/jobs?wait=10s', echo(changes))).body.links.self;
  }
  beforeAll(async () => {
    await service.work.publish('x/output/result.ndjson', '{"n":1}\n{"n":2}\n');
    await service.work.publish('x/output/rejects.ndjson', '{"code":"row.type"}\n');
  });

  it('rows that came with the result', async () => {
    const { body } = await get(`${await done({ rows: items })}/result`);
    expect(body).toEqual({ rows: items, columns: [{ name: 'n', type: 'int' }], truncated: false });
  });

  it('rows that lie in the work area', async () => {
    expect((await get(`${await done({})}/result`)).body).toMatchObject({ rows: items });
  });

  it('no rows of a large result, but the way to it', async () => {
    const job = await done({ output: { ...result.output, format: 'parquet' } });
    const problem = await refused(get(`${job}/result`));
    expect(problem).toMatchObject({ status: 409, code: 'result.too_large', link: `${job}/output` });
  });

  it('the bytes', async () => {
    const response = await service.app.request(`${await done({})}/output`);
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    expect(response.headers.get('content-length')).toBe('16');
    expect(await response.text()).toBe('{"n":1}\n{"n":2}\n');
  });

  it('the bytes of a sink, however many', async () => {
    const bytes = Buffer.alloc(3_500_000, 'abcdefg\n');
    const uri = path.join(service.data, 'big.csv');
    await writeFile(uri, bytes);
    const response = await service.app.request(
      `${await done({ output: { ...result.output, uri, inWorkArea: false, format: 'csv' } })}/output`,
    );
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('for a folder the manifest', async () => {
    const job = await done({ output: { ...result.output, single: false } });
    expect(await refused(get(`${job}/output`))).toMatchObject({
      status: 409,
      code: 'output.folder',
      link: `${job}/manifest`,
    });
  });

  it('410 where it was removed since', async () => {
    const job = await done({
      output: { ...result.output, uri: path.join(service.data, 'gone.csv'), inWorkArea: false },
    });
    expect(await refused(get(`${job}/output`))).toMatchObject({ status: 410, code: 'output.gone' });
    expect(await refused(get(`${job}/manifest`))).toMatchObject({ status: 410, code: 'output.gone' });
  });

  it('rejects, none or some', async () => {
    const text = async (at: string) => (await service.app.request(at)).text();
    expect(await text(`${await done({})}/rejects`)).toBe('');
    expect(await text(`${await done({ rejects: { uri: 'x/output/rejects.ndjson', records: 1 } })}/rejects`)).toBe(
      '{"code":"row.type"}\n',
    );
  });

  it('409 before its end, and after an end without result', async () => {
    const open = (await post('/v1/jobs?wait=300ms', slow)).body;
    expect((await refused(get(`${open.links.self}/result`))).code).toBe('job.not_done');
    const failed = (await post('/v1/jobs?wait=10s', { source: { items }, process: { use: 'fail' } })).body;
    const problem = await refused(get(`${failed.links.self}/output`));
    expect([problem.code, problem.detail]).toEqual([
      'job.no_result',
      `job "${failed.id}" ended without a result: sql.failed: column "x" is not there`,
    ]);
  });
});

describe('POST /v1/plan', () => {
  it('starts nothing and says what would be', async () => {
    const { status, body } = await post<PlanView>('/v1/plan', slow);
    expect([status, body.records]).toEqual([200, 2]);
  });

  it('hands on why it cannot', async () => {
    const problem = await refused(post('/v1/plan', { source: { items }, process: { use: 'fail' } }));
    expect(problem).toMatchObject({ status: 422, code: 'sql.failed', errors: [{ path: '/process/with/map' }] });
  });
});

describe('processors', () => {
  it('are listed with the workers that have them', async () => {
    const { body } = await get<ProcessorList>('/v1/processors');
    expect(body.processors.map(({ name, workers }) => [name, workers])).toEqual([
      ['echo', ['w-1']],
      ['fail', ['w-1']],
      ['slow', ['w-1']],
    ]);
    expect(body.workers).toMatchObject([{ id: 'w-1', threads: 2 }]);
  });

  it('can be triggered on data in hand', async () => {
    const { status, body } = await post('/v1/processors/echo/jobs?wait=10s', { items, params: { result } });
    expect([status, body.state, body.name]).toEqual([202, 'completed', 'echo-items']);
  });

  it.each<[unknown, string, string]>([
    [{ params: {} }, 'spec.invalid', '/items'],
    [{ items, parms: {} }, 'spec.invalid', '/parms'],
    [{ items, params: { lagn: 1 } }, 'processor.bad_params', '/process/with/lagn'],
  ])('not on %j', async (body, code, place) => {
    const problem = await refused(post('/v1/processors/slow/jobs', body));
    expect([problem.status, problem.code, problem.errors[0]!.path]).toEqual([422, code, place]);
  });
});

describe('GET /readyz', () => {
  it('is ready where a worker polls', async () => {
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } });
  });
});

it('nothing unforeseen happened', () => {
  expect(service.logged).toEqual([]);
});
