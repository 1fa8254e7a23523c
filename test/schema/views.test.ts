import { describe, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type { ChunkRow } from '../../src/core/chunk-view.js';
import type { JobState, JobView, Manifest, PlanView, ProcessorInfo } from '../../src/core/job.js';
import type { Schedule } from '../../src/core/schedule.js';
import type { BackfillView, ScheduleRow, ScheduleView } from '../../src/core/schedule-view.js';
import type { JobSpec } from '../../src/core/spec.js';
import type { backfillSchema, scheduleListSchema, scheduleViewSchema } from '../../src/schema/schedule-views.js';
import type { parseSchedule } from '../../src/schema/schedule.js';
import type { parseSpec } from '../../src/schema/spec.js';
import type {
  chunkRowSchema,
  jobStateSchema,
  jobViewSchema,
  manifestSchema,
  planViewSchema,
  processorInfoSchema,
} from '../../src/schema/views.js';

describe('the schemas of the border and the plain types of core are the same', () => {
  it('of what is answered', () => {
    expectTypeOf<z.infer<typeof jobStateSchema>>().toEqualTypeOf<JobState>();
    expectTypeOf<z.infer<typeof jobViewSchema>>().toEqualTypeOf<JobView>();
    expectTypeOf<z.infer<typeof chunkRowSchema>>().toEqualTypeOf<ChunkRow>();
    expectTypeOf<z.infer<typeof planViewSchema>>().toEqualTypeOf<PlanView>();
    expectTypeOf<z.infer<typeof processorInfoSchema>>().toEqualTypeOf<ProcessorInfo>();
    expectTypeOf<z.infer<typeof manifestSchema>>().toEqualTypeOf<Manifest>();
    expectTypeOf<z.infer<typeof scheduleViewSchema>>().toEqualTypeOf<ScheduleView>();
    expectTypeOf<z.infer<typeof scheduleListSchema>['schedules'][number]>().toEqualTypeOf<ScheduleRow>();
    expectTypeOf<z.infer<typeof backfillSchema>>().toEqualTypeOf<BackfillView>();
  });

  it('of what is asked', () => {
    expectTypeOf<ReturnType<typeof parseSpec>>().toEqualTypeOf<JobSpec>();
    expectTypeOf<ReturnType<typeof parseSchedule>['schedule']>().toEqualTypeOf<Schedule>();
  });
});
