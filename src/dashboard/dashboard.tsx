/** The dashboard: pages over the JSON routes. What a page shows or orders, any caller of the API can ask or order. */
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { html } from 'hono/html';
import type { Child } from 'hono/jsx';
import type { Principal } from '../core/access.js';
import { MAX_CHUNK_ROWS } from '../core/chunk-view.js';
import type { ChunkRow } from '../core/chunk-view.js';
import { isEndState } from '../core/job.js';
import type { JobView, PlanView } from '../core/job.js';
import type { Reject } from '../core/records.js';
import type { BackfillView, ScheduleView } from '../core/schedule-view.js';
import type { ScheduleList, Triggered } from '../schema/schedule-views.js';
import type { ChunkList, JobList, JobRows, Problem, ProcessorList } from '../schema/views.js';
import { Refused, asking } from './ask.js';
import type { Fetch } from './ask.js';
import { asset } from './assets.js';
import { JobPage } from './job-page.js';
import type { SettingTexts } from './job-page.js';
import { JobsPage } from './jobs-page.js';
import type { JobsQuery } from './jobs-page.js';
import { Layout } from './layout.js';
import type { Renewal, Room } from './layout.js';
import { ProblemNote } from './parts.js';
import { here, pageOf, routeOf } from './paths.js';
import { ReferencePage } from './reference-page.js';
import type { OpenApi } from './reference-page.js';
import { SchedulePage, SchedulesPage } from './schedules-page.js';
import { addSignIn } from './sign-in.js';
import type { SignIn } from './sign-in.js';
import { EXAMPLE, SubmitPage } from './submit-page.js';
import { WorkersPage } from './workers-page.js';

const JOBS_A_PAGE = 30;
/** Open jobs of a list whose progress is asked for, each with a question of its own. */
const PROGRESS_OF = 12;
const RUNS_SHOWN = 20;
const ROWS_SHOWN = 50;
const REJECTS_SHOWN = 20;
/** A result is shown up to this size. */
const SHOWN_BYTES = 256 * 1024;
/** What the script says when it asks for a page that it has. */
const RENEWAL = 'x-millrace-renewal';
const LIST_MS = 3000;
const SLOW_LIST_MS = 10_000;

/** What an order that was carried out is told by, in the address of the page that shows it. */
const DONE: Readonly<Record<string, string>> = {
  pause: 'It hands out no more chunks; those at work end.',
  resume: 'It goes on.',
  cancel: 'It is being cancelled.',
  retry: 'What failed, was rejected or never ran is run again.',
  settings: 'It works like this from now on.',
  trigger: 'A run was started.',
  skipped: 'No run was started: one is open, and overlap says not to start another.',
  'schedule-pause': 'It starts no more runs.',
  'schedule-resume': 'It starts runs again.',
  backfill: 'The runs are being started.',
};
const JOB_ORDERS = ['pause', 'resume', 'cancel', 'retry'];
const SCHEDULE_ORDERS = ['pause', 'resume', 'trigger'];

interface Page {
  title: string;
  room: Room | null;
  renewal?: Renewal;
  status?: number;
  body: Child;
}

/**
 * @param options.fetch the JSON routes
 * @param options.version shown, and part of the addresses of the assets
 * @param options.signIn absent where nobody is asked who they are
 * @param options.callerOf who asks; null where nobody has said so
 */
export function createDashboard({
  fetch,
  version,
  signIn,
  callerOf,
}: {
  fetch: Fetch;
  version: string;
  signIn?: SignIn;
  callerOf?: (c: Context) => Principal | null;
}): Hono {
  const ask = asking(fetch);
  const app = new Hono();

  const show = (c: Context, { title, room, renewal, status = 200, body }: Page) => {
    const done = DONE[c.req.query('done') ?? ''];
    const page = (
      <Layout title={title} room={room} version={version} renewal={renewal} caller={callerOf?.(c) ?? null}>
        {done && (
          <p class="note note-good" role="status">
            {done}
          </p>
        )}
        {body}
      </Layout>
    );
    return c.html(html`<!doctype html>${page}`, status as 200);
  };

  app.onError((error, c) => {
    if (!(error instanceof Refused)) throw error;
    const { problem } = error;
    const body = (
      <>
        <h1>{problem.title}</h1>
        <ProblemNote problem={problem} />
        <p>
          <a href="/">Jobs</a>
        </p>
      </>
    );
    return show(c, { title: problem.title, room: null, status: problem.status, body });
  });

  /** The page again, with what was refused above it. */
  function showRefused(c: Context, page: Page, problems: readonly Problem[]) {
    const body = (
      <>
        {problems.map((problem) => (
          <ProblemNote problem={problem} />
        ))}
        {page.body}
      </>
    );
    return show(c, { ...page, renewal: undefined, status: problems[0]!.status, body });
  }

  /**
   * Carries out what a form orders, and shows what came of it.
   * @param order gives the address of the page that shows it, or the page itself
   * @param page what is shown again where the order is refused
   */
  async function carryOut(c: Context, order: () => Promise<string | Page>, page: () => Promise<Page>) {
    try {
      const next = await order();
      return typeof next === 'string' ? c.redirect(next, 303) : await show(c, next);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return showRefused(c, await page(), [error.problem]);
    }
  }

  async function jobsPage(query: JobsQuery): Promise<Page> {
    const asked = new URLSearchParams({ limit: String(JOBS_A_PAGE) });
    for (const [name, value] of Object.entries(query)) if (value) asked.set(name, value as string);
    const page = await ask.get<JobList>(`/v1/jobs?${asked.toString()}`);
    const open = page.jobs.filter(({ state }) => !isEndState(state)).slice(0, PROGRESS_OF);
    // One that cannot be asked for is shown as the list has it.
    const views = await Promise.all(open.map(({ links }) => ask.get<JobView>(links.self).catch(() => null)));
    const known = new Map(views.flatMap((view) => (view ? [[view.id, view] as const] : [])));
    const jobs = page.jobs.map((job) => known.get(job.id) ?? job);
    const body = <JobsPage query={query} jobs={jobs} nextCursor={page.nextCursor} now={Date.now()} />;
    return { title: 'Jobs', room: '/', renewal: { everyMs: LIST_MS }, body };
  }

  /** @param whole false: only what changes is needed, which the script puts into the page that is there */
  async function jobPage(id: string, whole = true): Promise<Page> {
    const path = routeOf.job(id);
    const job = await ask.get<JobView>(path);
    // What is kept no longer, or cannot be asked for now, is left out.
    const [chunks, rows, rejects, spec] = await Promise.all([
      ask.get<ChunkList>(`${path}/chunks?limit=${MAX_CHUNK_ROWS}`).then(
        (list) => list.chunks,
        (): ChunkRow[] => [],
      ),
      rowsOf(job).catch(() => null),
      rejectsOf(job).catch(() => []),
      whole ? ask.get(routeOf.job(id, 'spec')).catch(() => null) : null,
    ]);
    const renewal = isEndState(job.state) ? undefined : { events: `${path}/events` };
    const body = <JobPage {...{ job, chunks, rows, rejects, spec }} now={Date.now()} />;
    return { title: `${job.name} ${job.state.replaceAll('_', ' ')}`, room: '/', renewal, body };
  }

  async function rowsOf({ result, links }: JobView): Promise<Array<Record<string, unknown>> | null> {
    if (!result) return null;
    if (result.rows) return result.rows.slice(0, ROWS_SHOWN);
    const { format, single, bytes } = result.output;
    if (format !== 'ndjson' || !single || bytes > SHOWN_BYTES) return null;
    return (await ask.get<JobRows>(links.result)).rows.slice(0, ROWS_SHOWN);
  }

  async function rejectsOf({ result, links }: JobView): Promise<Reject[]> {
    if (!result?.rejects) return [];
    return (await ask.lines(links.rejects, REJECTS_SHOWN)).map((line) => JSON.parse(line) as Reject);
  }

  async function schedulesPage(cursor?: string): Promise<Page> {
    const query = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
    const { schedules, nextCursor } = await ask.get<ScheduleList>(`/v1/schedules${query}`);
    const body = <SchedulesPage schedules={schedules} next={nextCursor} />;
    return { title: 'Schedules', room: '/schedules', renewal: { everyMs: SLOW_LIST_MS }, body };
  }

  async function schedulePage(id: string, backfill?: { from: string; to: string; view: BackfillView }): Promise<Page> {
    const path = routeOf.schedule(id);
    const [schedule, runs] = await Promise.all([
      ask.get<ScheduleView>(path),
      ask.get<JobList>(`${path}/runs?limit=${RUNS_SHOWN}`),
    ]);
    const body = <SchedulePage schedule={schedule} runs={runs.jobs} backfill={backfill} now={Date.now()} />;
    // What was asked of a backfill must not go while it is read.
    return { title: id, room: '/schedules', renewal: backfill ? undefined : { everyMs: SLOW_LIST_MS }, body };
  }

  function submitPage(text: string, request: string = randomUUID(), plan?: PlanView): Page {
    return { title: 'New job', room: '/submit', body: <SubmitPage text={text} request={request} plan={plan} /> };
  }

  app.get('/', async (c, next) => {
    if (!c.req.header('accept')?.includes('text/html')) return next();
    const { state, search, cursor } = c.req.query();
    return show(c, await jobsPage({ state, search, cursor }));
  });

  app.post('/jobs/orders', async (c) => {
    const form = await c.req.parseBody({ all: true });
    const ids = [form.id ?? []].flat().filter((id) => typeof id === 'string');
    const order = form.order === 'retry' ? 'retry' : 'cancel';
    const faults: Problem[] = [];
    for (const id of ids) {
      try {
        await ask.send('POST', routeOf.job(id, order));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        faults.push(error.problem);
      }
    }
    if (faults.length === 0) return c.redirect(here(form.back, '/'), 303);
    return showRefused(c, await jobsPage({}), faults);
  });

  app.get('/jobs/:id', async (c) => show(c, await jobPage(c.req.param('id'), !c.req.header(RENEWAL))));

  app.post('/jobs/:id/settings', async (c) => {
    const id = c.req.param('id');
    const changes = changesOf(await c.req.parseBody());
    const order = async () => {
      if (Object.keys(changes).length > 0) await ask.send('PATCH', routeOf.job(id), changes);
      return `${pageOf.job(id)}?done=settings`;
    };
    return carryOut(c, order, () => jobPage(id));
  });

  app.post('/jobs/:id/:order', async (c, next) => {
    const { id, order } = c.req.param();
    if (!JOB_ORDERS.includes(order)) return next();
    const give = async () => {
      await ask.send('POST', routeOf.job(id, order));
      return `${pageOf.job(id)}?done=${order}`;
    };
    return carryOut(c, give, () => jobPage(id));
  });

  app.get('/schedules', async (c) => show(c, await schedulesPage(c.req.query('cursor'))));

  app.get('/schedules/:id', async (c) => show(c, await schedulePage(c.req.param('id'))));

  app.post('/schedules/:id/backfill', async (c) => {
    const id = c.req.param('id');
    const form = await c.req.parseBody();
    const [from, to] = [textOf(form.from).trim(), textOf(form.to).trim()];
    const preview = form.order !== 'start';
    const order = async () => {
      const view = await ask.send<BackfillView>('POST', routeOf.schedule(id, 'backfill'), { from, to, preview });
      return preview ? schedulePage(id, { from, to, view }) : `${pageOf.schedule(id)}?done=backfill`;
    };
    return carryOut(c, order, () => schedulePage(id));
  });

  app.post('/schedules/:id/:order', async (c, next) => {
    const { id, order } = c.req.param();
    if (!SCHEDULE_ORDERS.includes(order)) return next();
    const back = here((await c.req.parseBody()).back, pageOf.schedule(id));
    const give = async () => {
      const { job } = await ask.send<Partial<Triggered>>('POST', routeOf.schedule(id, order));
      const done = order !== 'trigger' ? `schedule-${order}` : job === null ? 'skipped' : 'trigger';
      return `${back}?done=${done}`;
    };
    return carryOut(c, give, () => schedulePage(id));
  });

  app.get('/workers', async (c) => {
    const body = <WorkersPage {...await ask.get<ProcessorList>('/v1/processors')} />;
    return show(c, { title: 'Workers', room: '/workers', renewal: { everyMs: SLOW_LIST_MS }, body });
  });

  app.get('/docs', async (c) => {
    const document = await ask.get<OpenApi>('/openapi.json');
    const { origin } = new URL(c.req.url);
    const body = <ReferencePage document={document} origin={origin} token={signIn !== undefined} />;
    return show(c, { title: 'API', room: null, body });
  });

  app.get('/submit', async (c) => {
    const from = c.req.query('from');
    if (from === undefined) return show(c, submitPage(EXAMPLE));
    const spec = await ask.get(routeOf.job(from, 'spec'));
    return show(c, submitPage(JSON.stringify(spec, null, 2)));
  });

  app.post('/submit', async (c) => {
    const form = await c.req.parseBody();
    const [spec, request] = [textOf(form.spec), textOf(form.key) || randomUUID()];
    const type = { 'content-type': 'application/yaml' };
    const order = async () => {
      if (form.order !== 'start') return submitPage(spec, request, await ask.send('POST', '/v1/plan', spec, type));
      const headers = { ...type, 'idempotency-key': request };
      return pageOf.job((await ask.send<JobView>('POST', '/v1/jobs', spec, headers)).id);
    };
    // A key of its own for the mended spec: the old one may have been used up.
    return carryOut(c, order, async () => submitPage(spec));
  });

  if (signIn) addSignIn(app, signIn, show);

  app.get('/assets/:name', (c, next) => {
    const found = asset(c.req.param('name'));
    if (!found) return next();
    const headers = { etag: found.etag, 'cache-control': 'no-cache', 'content-type': found.type };
    if (c.req.header('if-none-match') === found.etag) return c.body(null, 304, headers);
    return c.body(found.text, 200, headers);
  });

  return app;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** What was changed in the form of a job's settings, as `PATCH` takes it. What was not touched stays as it is by now. */
function changesOf(form: Record<string, unknown>): Record<string, unknown> {
  const names: ReadonlyArray<keyof SettingTexts> = [
    'concurrency',
    'rate',
    'rateOf',
    'rejects',
    'failedChunks',
    'priority',
  ];
  const given = (name: string) => textOf(form[name]).trim();
  const changed = names.filter((name) => form[name] !== undefined && given(name) !== given(`was.${name}`));
  const changes: Record<string, unknown> = {};
  for (const name of changed) {
    const value = given(name);
    if (name === 'concurrency' || name === 'priority') changes[name] = Number(value);
    else if (name === 'rejects' || name === 'failedChunks') changes[name] = { tolerate: value };
    else changes.rate = given('rate') === '' ? null : { [given('rateOf')]: given('rate') };
  }
  return changes;
}
