import {
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
} from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { DELIVER_NOTICE, PROCESS_DATASET, WATCH_SCHEDULES } from '../contract.js';
import type { DeliverNotice } from '../contract.js';
import { MillraceError } from '../core/errors.js';
import type { EndedRun, ScheduleWatch } from '../core/schedule-watch.js';
import { isUndecipherable } from './encryption.js';
import { failureOf } from './failures.js';
import { attribute, jobView } from './job-view.js';
import { readableInfo } from './readable-info.js';
import type { Schedules } from './schedules.js';

const EVERY_MS = 60_000;
const CATCHUP_MS = 10_000;
const NONE_OF_OURS: ReadonlySet<string> = new Set(['schedule.not_found', 'schedule.foreign']);

/** What the watch over schedules asks of the server. */
export function createScheduleWatch(options: {
  client: Client;
  namespace: string;
  taskQueue: string;
  schedules: Schedules;
}): ScheduleWatch {
  const { client, namespace, taskQueue, schedules } = options;

  async function failureOfRun(id: string, run: string): Promise<EndedRun['error']> {
    try {
      await client.workflow.getHandle(id, run).result();
    } catch (error) {
      if (isUndecipherable(error)) return { code: error.code, message: error.message };
      if (!(error instanceof WorkflowFailedError)) throw error;
      const { code, message } = failureOf(error);
      return { code, message };
    }
    return undefined;
  }

  async function* listed(query: string) {
    let nextPageToken: Uint8Array | undefined;
    do {
      const page = await client.workflowService.listWorkflowExecutions({ namespace, query, nextPageToken });
      yield* page.executions;
      ({ nextPageToken } = page);
    } while (nextPageToken?.length);
  }

  return {
    ids: ({ all }) => schedules.ids(all ? 'all' : 'notifying'),
    async look(id) {
      try {
        const { document, counts, createdAt, updatedAt } = await schedules.view(id);
        return { document, counts, changedAt: updatedAt ?? createdAt };
      } catch (error) {
        // With a key that is not here it cannot be told whom to tell.
        if (isUndecipherable(error)) return null;
        if (error instanceof MillraceError && NONE_OF_OURS.has(error.code)) return null;
        throw error;
      }
    },
    async endedSince(since) {
      const query = `WorkflowType = '${PROCESS_DATASET}' AND MillraceSchedule IS NOT NULL AND CloseTime >= '${since.toISOString()}'`;
      const ended: EndedRun[] = [];
      for await (const raw of listed(query)) {
        const info = await readableInfo(client, namespace, raw);
        if (info.taskQueue !== taskQueue) continue;
        const execution = { ...info, attributes: info.typedSearchAttributes.getAll() };
        const { id, name, state, finishedAt, schedule } = jobView(execution, {}, () => null);
        // The watch knows schedules of all tenants, by the ids that the server has for them.
        const serverId = attribute(execution, 'MillraceSchedule');
        if (!schedule || serverId === undefined) continue;
        const { runId: run } = info;
        const error = state === 'failed' ? await failureOfRun(id, run) : undefined;
        const about = { schedule: serverId, time: schedule.time, job: id, run, name, state };
        ended.push({ ...about, endedAt: finishedAt!, ...(error && { error }) });
      }
      return ended;
    },
    renew: (id, schedule) => schedules.renew(id, schedule),
    async tell(notice, urls) {
      try {
        await client.workflow.start<DeliverNotice>(DELIVER_NOTICE, {
          workflowId: `notice-${notice.id}`,
          taskQueue,
          args: [{ urls: [...urls], notice }],
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          staticSummary: `tells ${urls.length} webhooks of ${notice.type} of schedule ${notice.schedule?.id ?? ''}`,
        });
      } catch (error) {
        // It was told before.
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
    },
  };
}

/** Has the server start the watch every minute, once for a task queue. Harmless to repeat. */
export async function ensureWatch(client: Client, taskQueue: string): Promise<void> {
  const id = `millrace-watch-${taskQueue}`;
  try {
    await client.schedule.create({
      scheduleId: id,
      spec: { intervals: [{ every: EVERY_MS }] },
      action: {
        type: 'startWorkflow',
        workflowType: WATCH_SCHEDULES,
        workflowId: id,
        taskQueue,
        args: [],
        staticSummary: 'looks for runs of schedules that failed, were missed or skipped',
      },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCHUP_MS },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
