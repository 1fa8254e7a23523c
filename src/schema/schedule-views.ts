/** What the API answers about schedules, as zod schemas for the OpenAPI document; a test holds them equal to the types of core. */
import { z } from 'zod';
import { OVERLAPS } from '../core/schedule.js';
import { jobStateSchema } from './views.js';

const timestamp = z.string().meta({ format: 'date-time', description: 'RFC 3339, UTC' });
const count = z.int().min(0);
const duration = z.union([z.string(), z.number()]);
const firing = z.object({
  time: timestamp.meta({ description: 'The nominal time' }),
  startedAt: timestamp,
  job: z.string(),
});

const scheduleDocumentSchema = z.object({
  id: z.string(),
  spec: z.record(z.string(), z.unknown()).meta({ description: 'The job spec as it was written, templates included' }),
  when: z.record(z.string(), z.unknown()),
  timezone: z.string(),
  startAt: z.string().optional(),
  endAt: z.string().optional(),
  jitter: duration,
  maxRuns: count.optional(),
  overlap: z.enum(OVERLAPS),
  catchup: duration,
  pauseOnFailure: z.boolean(),
  paused: z.boolean(),
  note: z.string(),
  notify: z.array(z.string()),
});

export const checkedScheduleSchema = z.object({
  document: scheduleDocumentSchema.meta({ description: 'With the defaults filled in' }),
  warnings: z.array(z.string()),
});

export const scheduleViewSchema = scheduleDocumentSchema.extend({
  sentence: z.string().meta({ description: 'When it fires, in words' }),
  reason: z.string().nullable().meta({ description: 'Why it is paused, where that was said' }),
  remainingRuns: count.nullable(),
  next: z.array(z.string()).meta({ description: 'The next nominal times, at most ten' }),
  recent: z.array(firing.extend({ state: jobStateSchema.nullable() })),
  running: z.array(z.string()).meta({ description: 'Ids of the jobs that are open' }),
  counts: z.object({ started: count, missed: count, skipped: count }),
  createdAt: timestamp,
  updatedAt: timestamp.nullable(),
  warnings: z.array(z.string()),
  links: z.object({ self: z.string(), runs: z.string(), temporal: z.string().nullable() }),
});

const scheduleRowSchema = z.object({
  id: z.string(),
  sentence: z.string(),
  paused: z.boolean(),
  reason: z.string().nullable().meta({ description: 'Why it is paused, where that was said' }),
  next: timestamp.nullable(),
  last: firing.nullable(),
});

export const scheduleListSchema = z.object({
  schedules: z.array(scheduleRowSchema),
  nextCursor: z.string().nullable(),
});

export const upcomingSchema = z.object({
  sentence: z.string(),
  timezone: z.string(),
  times: z.array(z.object({ time: timestamp, local: z.string().meta({ description: 'The same in the zone' }) })),
});

export const backfillSchema = z.object({
  times: z.array(timestamp).meta({ description: 'Nominal times, the first hundred' }),
  total: count,
  overlap: z.enum(OVERLAPS),
  started: z.boolean(),
});

export const triggeredSchema = z.object({
  job: z.string().nullable().meta({ description: 'Null where an open run made the server skip or put off this one' }),
});

export type CheckedSchedule = z.output<typeof checkedScheduleSchema>;
export type ScheduleList = z.output<typeof scheduleListSchema>;
export type Upcoming = z.output<typeof upcomingSchema>;
export type Triggered = z.output<typeof triggeredSchema>;
