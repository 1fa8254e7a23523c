import { defineSearchAttributeKey } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';
import { SCHEDULE_MEMO } from '../src/contract.js';
import type { ScheduleRules, ScheduledRun } from '../src/core/schedule.js';

/** Set by the server on what a schedule starts. */
const scheduledStart = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

/** The firing that started this run; undefined where no schedule did. */
export function scheduledRun(): ScheduledRun | undefined {
  const { memo, typedSearchAttributes } = workflowInfo();
  const rules = memo?.[SCHEDULE_MEMO] as ScheduleRules | undefined;
  const time = typedSearchAttributes.get(scheduledStart);
  if (!rules || !time) return undefined;
  return { schedule: rules.id, time: time.toISOString(), timezone: rules.timezone };
}
