import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { MillraceError } from '../core/errors.js';
import type { Schedule, ScheduleDocument } from '../core/schedule.js';
import type { BackfillView, ScheduleView } from '../core/schedule-view.js';
import { isPlainObject } from '../schema/parts.js';
import { parseSchedule } from '../schema/schedule.js';
import { digestOf } from '../schema/spec.js';
import { backfillableFrom } from '../timetable/backfillable.js';
import { describeWhen } from '../timetable/describe.js';
import { nextTimes } from '../timetable/next-times.js';
import { upcoming } from '../timetable/upcoming.js';
import { readBody, readOptionalBody } from './body.js';
import type { Jobs } from '../temporal/jobs.js';
import type { PutSchedule, Schedules } from '../temporal/schedules.js';
import type { Catalogue } from './catalogue.js';
import type { Checks } from './preflight.js';
import {
  backfillBodySchema,
  checked,
  noteSchema,
  readSchedule,
  triggerScheduleSchema,
  upcomingQuerySchema,
} from './schedule-input.js';
import * as routes from './schedule-routes.js';

/** The server buffers so many starts of one schedule. */
const MAX_BACKFILL = 1000;
const SHOWN_TIMES = 100;
const RECENT = 20;
const TAG_LENGTH = 32;

/** The routes below `/v1/schedules`. */
export function addSchedules(
  app: OpenAPIHono,
  depsOf: (c: Context) => Checks & { jobs: Jobs; schedules: Schedules },
  catalogue: () => Promise<Catalogue>,
): void {
  const schedulesOf = (c: Context) => depsOf(c).schedules;

  async function view(c: Context, id: string, warnings: string[] = []): Promise<ScheduleView> {
    const { schedules, jobs } = depsOf(c);
    const [standing, runs] = await Promise.all([schedules.view(id), jobs.list({ schedule: id, limit: RECENT })]);
    const states = new Map(runs.jobs.map((job) => [job.id, job.state]));
    const { document, temporal, recent, ...rest } = standing;
    const { schedule, document: whole } = parseSchedule(document);
    const self = `/v1/schedules/${encodeURIComponent(id)}`;
    c.header('etag', tagOf(document));
    return {
      ...whole,
      sentence: describeWhen(schedule.when, schedule.timezone),
      ...rest,
      recent: recent.map((firing) => ({ ...firing, state: states.get(firing.job) ?? null })),
      warnings,
      links: { self, runs: `${self}/runs`, temporal },
    };
  }

  async function scheduleOf(c: Context, id: string): Promise<Schedule> {
    return parseSchedule((await schedulesOf(c).view(id)).document).schedule;
  }

  const read = (c: Context, body: unknown, id?: string) => readSchedule(body, id, depsOf(c), catalogue);
  const place = (c: Context, id: string) => c.header('location', `/v1/schedules/${encodeURIComponent(id)}`);

  app.openapi(routes.createSchedule, async (c) => {
    const { put, warnings } = await read(c, await readBody(c));
    const { id } = put.schedule;
    await schedulesOf(c).create(put);
    place(c, id);
    return c.json(await view(c, id, warnings), 201);
  });

  app.openapi(routes.listSchedules, async (c) => c.json(await schedulesOf(c).list(c.req.valid('query')), 200));

  app.openapi(routes.previewUpcoming, async (c) => {
    const body = await readBody(c);
    const { count, until } = checked(upcomingQuerySchema, body);
    const { count: _count, until: _until, job: _job, ...given } = body as Record<string, unknown>;
    const { schedule } = parseSchedule({ id: 'preview', spec: {}, ...given });
    return c.json(upcoming(schedule, rangeOf(count, until)), 200);
  });

  app.openapi(routes.checkSchedule, async (c) => {
    const { put, warnings } = await read(c, await readBody(c));
    return c.json({ document: put.document, warnings }, 200);
  });

  app.openapi(routes.getSchedule, async (c) => c.json(await view(c, c.req.valid('param').id), 200));

  app.openapi(routes.putSchedule, async (c) => {
    const { id } = c.req.valid('param');
    const { put, warnings } = await read(c, await readBody(c), id);
    const known = c.req.valid('header')['if-match'];
    const schedules = schedulesOf(c);
    const made = known === undefined ? await schedules.put(put) : await changed(schedules, put, known);
    if (!made) return c.json(await view(c, id, warnings), 200);
    place(c, id);
    return c.json(await view(c, id, warnings), 201);
  });

  app.openapi(routes.patchSchedule, async (c) => {
    const { id } = c.req.valid('param');
    const patch = await readBody(c);
    let warnings: string[] = [];
    await schedulesOf(c).change(id, async (document) => {
      expectMatch(id, document, c.req.valid('header')['if-match']);
      const checkedNow = await read(c, merged(document, patch), id);
      warnings = checkedNow.warnings;
      return checkedNow.put;
    });
    return c.json(await view(c, id, warnings), 200);
  });

  app.openapi(routes.deleteSchedule, async (c) => {
    const { id } = c.req.valid('param');
    const known = c.req.valid('header')['if-match'];
    // The server removes on no condition, so a change in this very moment is lost.
    if (known !== undefined) expectMatch(id, (await schedulesOf(c).view(id)).document, known);
    await schedulesOf(c).remove(id);
    return c.body(null, 204);
  });

  app.openapi(routes.pauseSchedule, async (c) => {
    const { id } = c.req.valid('param');
    await schedulesOf(c).pause(id, await noteOf(c));
    return c.json(await view(c, id), 200);
  });

  app.openapi(routes.resumeSchedule, async (c) => {
    const { id } = c.req.valid('param');
    await schedulesOf(c).resume(id, await noteOf(c));
    return c.json(await view(c, id), 200);
  });

  app.openapi(routes.triggerSchedule, async (c) => {
    const { overlap } = checked(triggerScheduleSchema, (await readOptionalBody(c)) ?? {});
    return c.json({ job: await schedulesOf(c).trigger(c.req.valid('param').id, overlap) }, 202);
  });

  app.openapi(routes.backfillSchedule, async (c) => {
    const { id } = c.req.valid('param');
    const { from, to, overlap, preview } = checked(backfillBodySchema, await readBody(c));
    const range = { from: new Date(from), to: new Date(to) };
    const times = backfillTimes(await scheduleOf(c, id), range);
    const answer: BackfillView = {
      times: times.slice(0, SHOWN_TIMES).map((time) => time.toISOString()),
      total: times.length,
      overlap,
      started: !preview,
    };
    if (preview) return c.json(answer, 200);
    await schedulesOf(c).backfill(id, { ...range, overlap });
    return c.json(answer, 202);
  });

  app.openapi(routes.getUpcoming, async (c) => {
    const { count, until } = c.req.valid('query');
    const schedule = await scheduleOf(c, c.req.valid('param').id);
    return c.json(upcoming(schedule, rangeOf(count, until)), 200);
  });

  app.openapi(routes.getScheduleRuns, async (c) => {
    const { id } = c.req.valid('param');
    const { limit, cursor } = c.req.valid('query');
    const runs = await depsOf(c).jobs.list({ schedule: id, limit, cursor });
    // The runs of one that was removed are told; one that never was is not found.
    if (runs.jobs.length === 0 && cursor === undefined) await schedulesOf(c).view(id);
    return c.json(runs, 200);
  });
}

/** Of what a schedule is: its runs come and go. */
function tagOf(document: ScheduleDocument): string {
  return `"${digestOf(document).slice(0, TAG_LENGTH)}"`;
}

/** @throws MillraceError `schedule.changed` */
function expectMatch(id: string, document: ScheduleDocument | null, known: string | undefined): void {
  if (known === undefined || (document && (known.trim() === '*' || known.split(/\s*,\s*/).includes(tagOf(document)))))
    return;
  const what = document ? `has been changed since: it is ${tagOf(document)}` : 'is not there';
  throw new MillraceError('schedule.changed', `schedule "${id}" ${what}; wanted ${known} (If-Match); nothing was done`);
}

/** Changes a schedule that is what the caller knows. @returns false: none was made */
async function changed(schedules: Schedules, put: PutSchedule, known: string): Promise<false> {
  const { id } = put.schedule;
  const make = (document: ScheduleDocument) => {
    expectMatch(id, document, known);
    return put;
  };
  await schedules.change(id, make).catch((error: unknown) => {
    if (error instanceof MillraceError && error.code === 'schedule.not_found') expectMatch(id, null, known);
    throw error;
  });
  return false;
}

function rangeOf(count: number, until: string | undefined) {
  return { count, ...(until !== undefined && { until: new Date(until) }) };
}

async function noteOf(c: Context): Promise<string> {
  return checked(noteSchema, (await readOptionalBody(c)) ?? {}).note;
}

/** @throws MillraceError `schedule.bad_backfill` */
function backfillTimes(schedule: Schedule, { from, to }: { from: Date; to: Date }): Date[] {
  const bad = (message: string) => new MillraceError('schedule.bad_backfill', message);
  if (to < from) throw bad(`to "${to.toISOString()}" is before from "${from.toISOString()}"`);
  if (to > new Date()) throw bad(`to "${to.toISOString()}" is in the future; a backfill is of times that have passed`);
  const times = nextTimes(schedule, { from: new Date(from.getTime() - 1), until: to, count: MAX_BACKFILL + 1 });
  const [first, ...others] = times;
  if (!first) throw bad(`the schedule has no nominal time from ${from.toISOString()} to ${to.toISOString()}`);
  if (times.length > MAX_BACKFILL) {
    throw bad(
      `more than ${MAX_BACKFILL} runs; the first ${MAX_BACKFILL} end at ${times[MAX_BACKFILL - 1]!.toISOString()}: backfill in parts`,
    );
  }
  const earliest = backfillableFrom(schedule, [first, ...others], new Date());
  if (earliest > first) {
    const what = 'solar' in schedule.when ? 'events of the sun' : 'times around clock changes';
    throw bad(
      `from "${from.toISOString()}" is too long ago: ${what} are kept since ${earliest.toISOString()}; begin there, or run jobs with the times written into their spec`,
    );
  }
  return times;
}

/** RFC 7396. */
function merged(target: unknown, patch: unknown): unknown {
  if (!isPlainObject(patch)) return patch;
  const result: Record<string, unknown> = isPlainObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}
