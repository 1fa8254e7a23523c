import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { contextStorage } from 'hono/context-storage';
import { cors } from 'hono/cors';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { DEFAULT_TENANT } from '../core/access.js';
import { MillraceError } from '../core/errors.js';
import type { Issue } from '../core/errors.js';
import { isEndState } from '../core/job.js';
import type { JobResult, JobView, Manifest, OutputRef } from '../core/job.js';
import type { Row } from '../core/records.js';
import { kept } from '../core/kept.js';
import { isTableUri } from '../core/table-uri.js';
import { parseSettings } from '../core/settings.js';
import { toIssues } from '../schema/issues.js';
import { parseSpec, refuseIncremental, specDigest } from '../schema/spec.js';
import { createDashboard } from '../dashboard/dashboard.js';
import type { ByteSource } from '../stores/port.js';
import { resolveTemplates } from '../timetable/templates.js';
import { admit, callerOf, fromInside, identifiedCaller, isInside } from './admit.js';
import type { Caller } from './admit.js';
import { readBody, readNdjsonBody, readOptionalBody } from './body.js';
import { streamOf } from './bytes.js';
import { createCatalogue } from './catalogue.js';
import { createChunkReader } from './chunks.js';
import { addCodec, allowWebUi, isCodec } from './codec.js';
import type { ApiDeps } from './deps.js';
import { storeCorrections } from './corrections.js';
import { streamEvents } from './event-stream.js';
import { guard } from './guard.js';
import { createJobWatch, eventOf } from './job-watch.js';
import { openApiDocument, pauseSchema, registerBodies, triggerSchema } from './openapi.js';
import { createMetrics } from './metrics.js';
import { preflight } from './preflight.js';
import { maskOf } from '../core/secrets.js';
import { HttpProblem, problemResponse } from './problems.js';
import { openOutput, resultOf, rowsOf } from './results.js';
import * as routes from './routes.js';
import { addSchedules } from './schedules.js';

/** Where everything is. */
const LINKS = {
  jobs: '/v1/jobs',
  schedules: '/v1/schedules',
  processors: '/v1/processors',
  openapi: '/openapi.json',
  docs: '/docs',
  metrics: '/metrics',
  health: '/healthz',
  ready: '/readyz',
};

const CORS_S = 600;
const EXPOSED_HEADERS = ['etag', 'link', 'location', 'retry-after', 'x-request-id'];
const MAX_STREAMS = 500;
const STREAM_RETRY_S = '5';
const MAX_BODY_BYTES = 10 * 1024 * 1024;

const MEDIA_TYPES: Record<OutputRef['format'], string> = {
  csv: 'text/csv; charset=utf-8',
  ndjson: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
};

/** Of the requests from outside. */
function telling(tell: NonNullable<ApiDeps['requested']>): MiddlewareHandler {
  return async (c, next) => {
    if (isInside(c)) return next();
    const began = performance.now();
    await next();
    const { subject, tenant } = identifiedCaller(c) ?? { subject: null, tenant: null };
    tell({
      requestId: String(c.get('requestId')),
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      ms: Math.round(performance.now() - began),
      subject,
      tenant,
    });
  };
}

/**
 * A body that says how long it is has no more: HTTP holds it to that. It need not be looked at, which would make a stream and a
 * request of it, for a tenth of what a call costs here.
 */
function isWithinLimit({ req }: Context): boolean {
  if (req.method === 'GET' || req.method === 'HEAD') return true;
  const length = req.header('content-length');
  return length !== undefined && req.header('transfer-encoding') === undefined && Number(length) <= MAX_BODY_BYTES;
}

/** Who is shown as signed in; null where nobody is asked. */
function signedIn(c: Context): Caller | null {
  const caller = callerOf(c);
  return caller.subject === 'anonymous' ? null : caller;
}

/** The HTTP API over its dependencies. Opens no port: `app.request(...)` and `app.fetch` answer. */
export function createApp(deps: ApiDeps): OpenAPIHono {
  const { work, version } = deps;
  const { log = () => undefined, mask = maskOf() } = deps;
  const catalogue = createCatalogue(work, deps.taskQueue);
  // Whose job it is was asked before.
  const chunksOf = createChunkReader({ atWork: (id) => deps.ofTenant(DEFAULT_TENANT).jobs.atWork(id), work });
  const jobsOf = (c: Context) => deps.ofTenant(callerOf(c).tenant).jobs;
  const checksOf = (c: Context) => ({ ...deps, ...deps.ofTenant(callerOf(c).tenant) });
  const watchOf = kept((tenant) => createJobWatch((id) => deps.ofTenant(tenant).jobs.view(id)));

  const maxStreams = deps.streams ?? MAX_STREAMS;
  let streams = 0;

  function opened(): () => void {
    streams += 1;
    return () => void (streams -= 1);
  }

  const app = new OpenAPIHono({
    defaultHook: (result) => {
      if (result.success) return;
      const issues = issuesOf(result.error);
      const first = issues[0]!;
      throw new HttpProblem('request.invalid', `${result.target} ${first.path.slice(1)}: ${first.message}`, { issues });
    },
  });
  registerBodies(app);
  app.onError((error, c) => problemResponse(error, c, log, mask));
  app.notFound((c) => {
    const allow = routes.methodsOf(c.req.path);
    const problem =
      allow.length === 0
        ? new HttpProblem('request.not_found', `there is no "${c.req.path}"; see /openapi.json`)
        : new HttpProblem(
            'request.method',
            `${c.req.method} is not possible on "${c.req.path}"; allowed: ${allow.join(', ')}`,
            {
              headers: { allow: allow.join(', ') },
            },
          );
    return problemResponse(problem, c, log, mask);
  });

  const metrics = createMetrics({ queues: () => deps.queues(), streams: () => streams });
  app.use(requestId());
  if (deps.traced) app.use(deps.traced);
  app.use(metrics.middleware);
  if (deps.requested) app.use(telling(deps.requested));
  const self = ["'self'"];
  app.use(
    secureHeaders({
      // With less, browsers send the origin "null" with a form, and it looks like one of another site.
      referrerPolicy: 'same-origin',
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: self,
        styleSrc: self,
        imgSrc: self,
        connectSrc: self,
        formAction: self,
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    }),
  );
  // A browser that names this service by a name of somebody else's has no sign-in under that name.
  const webUi = deps.codec && deps.uiOrigin;
  const originsOf = (path: string) => [...(deps.cors ?? []), ...(webUi && isCodec(path) ? [webUi] : [])];
  app.use(guard(deps.hosts ?? [], { anyHost: deps.gatekeeper !== undefined, originsOf }));
  if (webUi) allowWebUi(app, webUi);
  if (deps.cors) app.use(cors({ origin: deps.cors, exposeHeaders: EXPOSED_HEADERS, maxAge: CORS_S }));
  app.use(contextStorage());
  app.use(admit(deps));
  const tooLarge = () => {
    throw new HttpProblem(
      'request.too_large',
      `the body has more than ${MAX_BODY_BYTES} bytes; put the data into a file and name it in source.uri`,
    );
  };
  const limited = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge });
  app.use((c, next) => (isWithinLimit(c) ? next() : limited(c, next)));

  async function submit(c: Context, given: unknown, wait: number | undefined): Promise<JobView> {
    const jobs = jobsOf(c);
    const spec = parseSpec(resolveTemplates(given, null));
    refuseIncremental(spec);
    const digest = specDigest(spec);
    const key = c.req.header('idempotency-key');
    // What the first request found free or present may be neither any more: the same key gives the same job all the same.
    const known = key === undefined ? null : await jobs.existing(key, digest);
    let job = known;
    if (!job) {
      const warnings = await preflight(spec, checksOf(c), catalogue);
      const started = await jobs.start({ given, spec, digest, key });
      job = { ...started.view, warnings: [...started.view.warnings, ...warnings] };
    }
    if (wait === undefined || isEndState(job.state)) return job;
    return jobs.wait(job.id, wait, c.req.raw.signal);
  }

  function accepted(c: Context, job: JobView): void {
    c.header('location', job.links.self);
  }

  app.openapi(routes.createJob, async (c) => {
    const job = await submit(c, await readBody(c), c.req.valid('query').wait);
    accepted(c, job);
    return c.json(job, 202);
  });

  app.openapi(routes.createPlan, async (c) => {
    const given = await readBody(c);
    const spec = parseSpec(resolveTemplates(given, null));
    await preflight(spec, checksOf(c), catalogue);
    return c.json(await jobsOf(c).plan(given), 200);
  });

  app.openapi(routes.listProcessors, async (c) => {
    const { workers, processors } = await catalogue();
    const sorted = [...processors.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const shown = workers.map(({ id, host, taskQueue, threads, renewedAt }) => ({
      id,
      host,
      taskQueue,
      threads,
      renewedAt,
    }));
    return c.json({ processors: sorted, workers: shown }, 200);
  });

  app.openapi(routes.triggerProcessor, async (c) => {
    const job = await submit(c, specOfTrigger(c.req.valid('param').name, await readBody(c)), c.req.valid('query').wait);
    accepted(c, job);
    return c.json(job, 202);
  });

  app.openapi(routes.listJobs, async (c) => {
    const { state, name, search, schedule, since, limit, cursor } = c.req.valid('query');
    const page = await jobsOf(c).list({
      state,
      name,
      search,
      schedule,
      since: since === undefined ? undefined : new Date(since),
      limit,
      cursor,
    });
    linkNext(c, page.nextCursor);
    return c.json(page, 200);
  });

  app.openapi(routes.getJob, async (c) => {
    const { id } = c.req.valid('param');
    const { wait } = c.req.valid('query');
    return c.json(await (wait === undefined ? jobsOf(c).view(id) : jobsOf(c).wait(id, wait, c.req.raw.signal)), 200);
  });

  app.openapi(routes.watchJob, async (c) => {
    const { id } = c.req.valid('param');
    const seen = c.req.valid('header')['last-event-id'];
    // The answer to a job that is not there, or known to its end, is no stream.
    const standing = eventOf(await jobsOf(c).view(id));
    if (standing.type === 'end' && standing.id === seen) return c.body(null, 204);
    if (streams >= maxStreams) {
      throw new HttpProblem(
        'request.too_many_streams',
        `${maxStreams} event streams are open here; ask for the job itself`,
        {
          headers: { 'retry-after': STREAM_RETRY_S },
          link: `/v1/jobs/${encodeURIComponent(id)}`,
        },
      );
    }
    return streamEvents(c, watchOf(callerOf(c).tenant), {
      id,
      seen,
      closing: deps.closing,
      caller: callerOf(c),
      opened,
    });
  });

  app.openapi(routes.listChunks, async (c) => {
    const { state, limit, cursor } = c.req.valid('query');
    const job = await jobsOf(c).view(c.req.valid('param').id);
    const page = await chunksOf(job, { state, limit, from: Number(cursor ?? 0) });
    linkNext(c, page.nextCursor);
    return c.json(page, 200);
  });

  app.openapi(routes.getSpec, async (c) => c.json((await jobsOf(c).specOf(c.req.valid('param').id)) as Row, 200));

  app.openapi(routes.cancelJob, async (c) => c.json(await jobsOf(c).cancel(c.req.valid('param').id), 200));

  app.openapi(routes.retryJob, async (c) => {
    const { id } = c.req.valid('param');
    const { 'idempotency-key': key } = c.req.valid('header');
    const text = await readNdjsonBody(c);
    const correct =
      text === null
        ? undefined
        : (result: JobResult | undefined): Promise<string> => storeCorrections(work, id, text, result);
    const job = await jobsOf(c).retry(id, { key, correct });
    accepted(c, job);
    return c.json(job, 202);
  });

  app.openapi(routes.pauseJob, async (c) => {
    const parsed = pauseSchema.safeParse((await readOptionalBody(c)) ?? {});
    if (!parsed.success) {
      const issues = issuesOf(parsed.error);
      throw new HttpProblem('request.invalid', `pause: ${issues[0]!.message}; wanted {"reason": "…"}`, { issues });
    }
    return c.json(await jobsOf(c).pause(c.req.valid('param').id, parsed.data.reason), 200);
  });

  app.openapi(routes.resumeJob, async (c) => c.json(await jobsOf(c).resume(c.req.valid('param').id), 200));

  app.openapi(routes.changeJob, async (c) => {
    const changes = await readBody(c);
    // Checked here too, so that a fault is told with its place.
    parseSettings(changes);
    return c.json(await jobsOf(c).set(c.req.valid('param').id, changes), 200);
  });

  app.openapi(routes.getResult, async (c) =>
    c.json(await rowsOf(await jobsOf(c).view(c.req.valid('param').id), deps), 200),
  );

  app.openapi(routes.getOutput, async (c) => {
    const job = await jobsOf(c).view(c.req.valid('param').id);
    const { output } = resultOf(job);
    if (!output.single) {
      throw new HttpProblem(
        'output.folder',
        `the output of job "${job.id}" is the folder "${output.uri}"; ${job.links.manifest} lists its parts`,
        {
          link: job.links.manifest,
        },
      );
    }
    if (isTableUri(output.uri)) {
      throw new HttpProblem(
        'output.table',
        `the output of job "${job.id}" is the table "${output.uri}"; ask its database`,
      );
    }
    return send(c, await openOutput(output, deps), {
      'content-type': output.gzip ? 'application/gzip' : MEDIA_TYPES[output.format],
      'content-disposition': `attachment; filename="${job.id}.${output.format}${output.gzip ? '.gz' : ''}"`,
    });
  });

  app.openapi(routes.getManifest, async (c) => {
    const { manifest } = resultOf(await jobsOf(c).view(c.req.valid('param').id));
    const bytes = await work.tryRead(manifest);
    if (!bytes) throw new HttpProblem('output.gone', `manifest "${manifest}" is no longer in the work area`);
    return c.json(JSON.parse(bytes.toString()) as Manifest, 200);
  });

  app.openapi(routes.getRejects, async (c) => {
    const { rejects } = resultOf(await jobsOf(c).view(c.req.valid('param').id));
    const headers = { 'content-type': MEDIA_TYPES.ndjson };
    if (!rejects) return c.newResponse(null, 200, { ...headers, 'content-length': '0' });
    return send(c, await openOutput({ uri: rejects.uri, inWorkArea: true }, deps), headers);
  });

  app.openapi(routes.getCaller, (c) => {
    const { subject, role, tenant, expiresAt } = callerOf(c);
    const expires = expiresAt === undefined ? null : new Date(expiresAt).toISOString();
    return c.json({ subject, role, tenant, expiresAt: expires }, 200);
  });

  app.openapi(routes.listAudit, async (c) => {
    if (!deps.audit) throw new HttpProblem('access.no_audit', 'no audit log is kept; set MILLRACE_AUDIT to a file');
    const entries = await deps.audit.newest(callerOf(c).tenant, c.req.valid('query').limit);
    return c.json({ entries }, 200);
  });

  if (deps.codec) addCodec(app, deps.codec);

  addSchedules(app, checksOf, catalogue);

  app.openapi(routes.getHealth, (c) => c.json({ status: 'alive' }, 200));

  app.openapi(routes.getReadiness, async (c) => {
    const workers = await deps.ofTenant(DEFAULT_TENANT).jobs.pollers();
    if (workers > 0) return c.json({ status: 'ready' as const, workers }, 200);
    throw new MillraceError(
      'job.no_worker',
      `no worker polls task queue "${deps.taskQueue}"; start one with "millrace worker"`,
    );
  });

  app.openapi(routes.getMetrics, async (c) => {
    const { type, body } = await metrics.text();
    return c.newResponse(body, 200, { 'content-type': type });
  });

  app.openapi(routes.getOpenApi, (c) => c.json(openApiDocument(app, version), 200));

  app.route(
    '/',
    createDashboard({
      version,
      signIn: deps.gatekeeper?.signIn,
      callerOf: signedIn,
      fetch: (path, init) => app.request(path, init, fromInside()),
    }),
  );

  app.openapi(routes.getIndex, (c) => c.json({ name: 'millrace', version, links: LINKS }, 200));

  return app;
}

function linkNext(c: Context, cursor: string | null): void {
  if (cursor === null) return;
  const next = new URL(c.req.url);
  next.searchParams.set('cursor', cursor);
  c.header('link', `<${next.pathname}${next.search}>; rel="next"`);
}

async function send(c: Context, source: ByteSource, headers: Record<string, string>): Promise<Response> {
  const all = { ...headers, 'content-length': String(source.size) };
  if (c.req.method !== 'HEAD') return c.newResponse(streamOf(source), 200, all);
  await source.close();
  return c.newResponse(null, 200, all);
}

/** The faults of a request, as a problem lists them. */
function issuesOf(error: Parameters<typeof toIssues>[0]): Issue[] {
  return toIssues(error).map(({ path, message }) => ({ path, message }));
}

/** The job that `{items, params}` for a processor stand for. */
function specOfTrigger(name: string, body: unknown): unknown {
  const parsed = triggerSchema.safeParse(body);
  if (!parsed.success) {
    const issues = issuesOf(parsed.error);
    const first = issues[0]!;
    throw new MillraceError(
      'spec.invalid',
      `${first.path || 'body'}: ${first.message}; wanted {"items": [{...}], "params": {...}}`,
      { issues },
    );
  }
  const { items, params = {} } = body as { items: unknown; params?: unknown };
  return { source: { items }, process: { use: name, with: params } };
}
