import { createRoute, z } from '@hono/zod-openapi';
import type { RouteConfig } from '@hono/zod-openapi';
import {
  backfillSchema,
  checkedScheduleSchema,
  scheduleListSchema,
  scheduleViewSchema,
  triggeredSchema,
  upcomingSchema,
} from '../schema/schedule-views.js';
import { JobList, MAX_PAGE, json, leadsTo, problems, ref } from './route-parts.js';

const MAX_SCHEDULES = 1000;
const MAX_UPCOMING = 1000;

const ScheduleView = scheduleViewSchema.meta({ id: 'ScheduleView' });
const ScheduleList = scheduleListSchema.meta({ id: 'ScheduleList' });
const CheckedSchedule = checkedScheduleSchema.meta({ id: 'CheckedSchedule' });
const Upcoming = upcomingSchema.meta({ id: 'Upcoming' });
const BackfillView = backfillSchema.meta({ id: 'BackfillView' });
const Triggered = triggeredSchema.meta({ id: 'Triggered' });

const tags = ['schedules'];
const params = z.object({
  id: z
    .string()
    .min(1)
    .openapi({ param: { name: 'id', in: 'path' }, example: 'nightly-report' }),
});
const body = (name: string, required = true) => ({
  required,
  content: { 'application/json': ref(name), 'application/yaml': ref(name) },
});
const ETag = z.string().openapi({ description: 'Of what the schedule is, for `If-Match`; its runs do not change it' });
const tagged = z.object({ ETag });
const ifMatch = z.object({
  'if-match': z.string().optional().openapi({
    description:
      'An `ETag` of the schedule: it is changed only while it is what the caller knows, else the answer is 412',
  }),
});
const location = z.object({
  ETag,
  Location: z.string().openapi({ description: 'Path of the schedule' }),
});
const made = {
  ...json('Made', ScheduleView, location),
  ...leadsTo(
    'getSchedule',
    'putSchedule',
    'patchSchedule',
    'deleteSchedule',
    'pauseSchedule',
    'resumeSchedule',
    'triggerSchedule',
    'backfillSchedule',
    'getUpcoming',
    'getScheduleRuns',
  ),
};
const cursor = z.string().min(1).optional().openapi({ description: '`nextCursor` of the page before' });

export const createSchedule = createRoute({
  method: 'post',
  path: '/v1/schedules',
  operationId: 'createSchedule',
  summary: 'Make a schedule',
  tags,
  request: { body: body('Schedule') },
  responses: { 201: made, ...problems(400, 404, 409, 413, 415, 422, 503) },
});

export const listSchedules = createRoute({
  method: 'get',
  path: '/v1/schedules',
  operationId: 'listSchedules',
  summary: 'Schedules, in pages',
  description: 'Each page is sorted by id; up to 1,000 schedules are one page.',
  tags,
  request: {
    query: z.object({ limit: z.coerce.number().int().min(1).max(MAX_SCHEDULES).default(MAX_SCHEDULES), cursor }),
  },
  responses: { 200: json('A page of schedules', ScheduleList), ...problems(422, 503) },
});

export const previewUpcoming = createRoute({
  method: 'post',
  path: '/v1/schedules/upcoming',
  operationId: 'previewUpcoming',
  summary: 'When a schedule would fire that is not made yet',
  tags,
  request: { body: body('UpcomingQuery') },
  responses: { 200: json('The next nominal times', Upcoming), ...problems(400, 413, 415, 422) },
});

export const checkSchedule = createRoute({
  method: 'post',
  path: '/v1/schedules/check',
  operationId: 'checkSchedule',
  summary: 'Whether a schedule could be made; stores nothing',
  tags,
  request: { body: body('Schedule') },
  responses: { 200: json('It could', CheckedSchedule), ...problems(400, 404, 413, 415, 422, 503) },
});

export const getSchedule = createRoute({
  method: 'get',
  path: '/v1/schedules/{id}',
  operationId: 'getSchedule',
  summary: 'A schedule',
  tags,
  request: { params },
  responses: { 200: json('The schedule', ScheduleView, tagged), ...problems(404, 409, 503) },
});

export const putSchedule = createRoute({
  method: 'put',
  path: '/v1/schedules/{id}',
  operationId: 'putSchedule',
  summary: 'Make a schedule, or make the one that is there like this',
  tags,
  request: { params, headers: ifMatch, body: body('Schedule') },
  responses: {
    200: json('Changed', ScheduleView, tagged),
    201: made,
    ...problems(400, 404, 409, 412, 413, 415, 422, 503),
  },
});

export const patchSchedule = createRoute({
  method: 'patch',
  path: '/v1/schedules/{id}',
  operationId: 'patchSchedule',
  summary: 'Change some of a schedule (RFC 7396: null removes a field)',
  tags,
  request: {
    params,
    headers: ifMatch,
    body: { required: true, content: { 'application/json': { schema: { type: 'object' } } } },
  },
  responses: { 200: json('Changed', ScheduleView, tagged), ...problems(400, 404, 409, 412, 413, 415, 422, 503) },
});

export const deleteSchedule = createRoute({
  method: 'delete',
  path: '/v1/schedules/{id}',
  operationId: 'deleteSchedule',
  summary: 'Remove a schedule; jobs that it started go on',
  tags,
  request: { params, headers: ifMatch },
  responses: { 204: { description: 'Removed' }, ...problems(404, 409, 412, 503) },
});

export const pauseSchedule = createRoute({
  method: 'post',
  path: '/v1/schedules/{id}/pause',
  operationId: 'pauseSchedule',
  summary: 'Start no more; what passes meanwhile is not caught up',
  tags,
  request: { params, body: body('ScheduleNote', false) },
  responses: { 200: json('Paused', ScheduleView, tagged), ...problems(400, 404, 409, 413, 415, 422, 503) },
});

export const resumeSchedule = createRoute({
  method: 'post',
  path: '/v1/schedules/{id}/resume',
  operationId: 'resumeSchedule',
  summary: 'Start again',
  tags,
  request: { params, body: body('ScheduleNote', false) },
  responses: { 200: json('Resumed', ScheduleView, tagged), ...problems(400, 404, 409, 413, 415, 422, 503) },
});

export const triggerSchedule = createRoute({
  method: 'post',
  path: '/v1/schedules/{id}/trigger',
  operationId: 'triggerSchedule',
  summary: 'Run it now, also while it is paused',
  description:
    'The server names runs by the second: two callers within one second get the same job, and so does one in the second of a regular run.',
  tags,
  request: { params, body: body('TriggerSchedule', false) },
  responses: { 202: json('Triggered', Triggered), ...problems(400, 404, 409, 413, 415, 422, 503) },
});

export const backfillSchedule = createRoute({
  method: 'post',
  path: '/v1/schedules/{id}/backfill',
  operationId: 'backfillSchedule',
  summary: 'Run it for the nominal times of a range of the past',
  description: 'With `preview: true` nothing is started.',
  tags,
  request: { params, body: body('Backfill') },
  responses: {
    200: json('What it would start', BackfillView),
    202: json('What it starts', BackfillView),
    ...problems(400, 404, 409, 413, 415, 422, 503),
  },
});

export const getUpcoming = createRoute({
  method: 'get',
  path: '/v1/schedules/{id}/upcoming',
  operationId: 'getUpcoming',
  summary: 'The next nominal times of a schedule, paused or not',
  tags,
  request: {
    params,
    query: z.object({
      count: z.coerce.number().int().min(1).max(MAX_UPCOMING).default(10),
      until: z.iso.datetime({ offset: true }).optional().openapi({ description: 'Not after this; RFC 3339' }),
    }),
  },
  responses: { 200: json('The next nominal times', Upcoming), ...problems(404, 409, 422, 503) },
});

export const getScheduleRuns = createRoute({
  method: 'get',
  path: '/v1/schedules/{id}/runs',
  operationId: 'getScheduleRuns',
  summary: 'Jobs that a schedule started, newest first',
  tags,
  request: { params, query: z.object({ limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(50), cursor }) },
  responses: { 200: json('A page of jobs', JobList), ...problems(404, 409, 422, 503) },
});

export const SCHEDULE_ROUTES: ReadonlyArray<Pick<RouteConfig, 'method' | 'path'>> = [
  createSchedule,
  listSchedules,
  previewUpcoming,
  checkSchedule,
  getSchedule,
  putSchedule,
  patchSchedule,
  deleteSchedule,
  pauseSchedule,
  resumeSchedule,
  triggerSchedule,
  backfillSchedule,
  getUpcoming,
  getScheduleRuns,
];
