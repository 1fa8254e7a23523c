import { randomUUID } from 'node:crypto';
import type { Client, ScheduleDescription, ScheduleUpdateOptions } from '@temporalio/client';
import {
  compileUpdatedScheduleOptions,
  encodeScheduleAction,
  encodeSchedulePolicies,
  encodeScheduleSpec,
  encodeScheduleState,
} from '@temporalio/client/lib/schedule-helpers.js';
import { encodeUnifiedSearchAttributes } from '@temporalio/common/lib/converter/payload-search-attributes.js';

/**
 * Changes a schedule as `ScheduleHandle.update` does, but only where nobody else changed it since it was described. The SDK
 * sends no conflict token, so of two changes at the same time one would undo the other. The server drops what comes too late
 * without a word: who has to know looks afterwards.
 */
export async function updateSchedule(
  client: Client,
  { scheduleId, raw }: ScheduleDescription,
  options: ScheduleUpdateOptions,
): Promise<void> {
  const { namespace, identity, loadedDataConverter } = client.options;
  const { spec, action, policies, state, typedSearchAttributes } = compileUpdatedScheduleOptions(scheduleId, options);
  const headers = raw.schedule?.action?.startWorkflow?.header?.fields ?? {};
  await client.workflowService.updateSchedule({
    namespace,
    scheduleId,
    identity,
    requestId: randomUUID(),
    conflictToken: raw.conflictToken,
    schedule: {
      spec: encodeScheduleSpec(spec),
      action: await encodeScheduleAction(loadedDataConverter, namespace, action, headers),
      policies: encodeSchedulePolicies(policies),
      state: encodeScheduleState(state),
    },
    ...(typedSearchAttributes && {
      searchAttributes: { indexedFields: encodeUnifiedSearchAttributes(undefined, typedSearchAttributes) },
    }),
  });
}
