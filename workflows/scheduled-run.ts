import { defineSearchAttributeKey } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';
import { SCHEDULED_TIME_MEMO, SCHEDULE_MEMO } from '../src/contract.js';
import type { ScheduleTerms, ScheduledRun } from '../src/core/schedule.js';

/** The schedule by the id that the server has for it, which no two tenants share. */
const ownSchedule = defineSearchAttributeKey('MillraceSchedule', 'KEYWORD');
/** Set by the server on what a schedule starts. */
const scheduledStart = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

/** The firing that started this run, or the one that it retries; undefined where no schedule did. */
export function scheduledRun(): ScheduledRun | undefined {
  const { memo, typedSearchAttributes } = workflowInfo();
  const terms = memo?.[SCHEDULE_MEMO] as ScheduleTerms | undefined;
  const time =
    (memo?.[SCHEDULED_TIME_MEMO] as string | undefined) ?? typedSearchAttributes.get(scheduledStart)?.toISOString();
  if (!terms || time === undefined) return undefined;
  return { schedule: typedSearchAttributes.get(ownSchedule) ?? terms.id, time, timezone: terms.timezone };
}
