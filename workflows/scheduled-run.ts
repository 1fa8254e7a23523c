import { defineSearchAttributeKey } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';
import { SCHEDULE_MEMO } from '../src/contract.js';
import type { ScheduleTerms, ScheduledRun } from '../src/core/schedule.js';

/** Set by the server on what a schedule starts. */
const scheduledStart = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

/** The firing that started this run; undefined where no schedule did. */
export function scheduledRun(): ScheduledRun | undefined {
  const { memo, typedSearchAttributes } = workflowInfo();
  const terms = memo?.[SCHEDULE_MEMO] as ScheduleTerms | undefined;
  const time = typedSearchAttributes.get(scheduledStart);
  if (!terms || !time) return undefined;
  return { schedule: terms.id, time: time.toISOString(), timezone: terms.timezone };
}
