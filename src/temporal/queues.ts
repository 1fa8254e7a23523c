import type { Client } from '@temporalio/client';
import { chunksQueue, noticesQueue } from '../contract.js';
import { inTime } from './in-time.js';

const CALL_MS = 4000;
/** `TaskQueueType` of the server's API. */
export const QUEUE_TYPES = { workflow: 1, activity: 2 } as const;

/** How one queue of the workers stands. */
export interface QueueStanding {
  queue: string;
  type: keyof typeof QUEUE_TYPES;
  pollers: number;
  /** When one of them asked last, in milliseconds by the server's clock; -Infinity where nobody did. */
  polledAt: number;
  /** Tasks that wait, about; 0 where the server does not say. */
  backlog: number;
  /** Of the one that has waited longest, seconds. */
  backlogAge: number;
}

/** The queues of a worker, workflows first. */
function queuesOf(taskQueue: string): Array<Pick<QueueStanding, 'queue' | 'type'>> {
  return [
    { queue: taskQueue, type: 'workflow' },
    { queue: taskQueue, type: 'activity' },
    { queue: chunksQueue(taskQueue), type: 'activity' },
    { queue: noticesQueue(taskQueue), type: 'activity' },
  ];
}

/** All queues of a task queue's workers. @throws MillraceError `temporal.*` */
export async function queueStandings(client: Client, namespace: string, taskQueue: string): Promise<QueueStanding[]> {
  return inTime(client, CALL_MS, () =>
    Promise.all(
      queuesOf(taskQueue).map(async ({ queue, type }) => {
        const { pollers, stats } = await client.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name: queue },
          taskQueueType: QUEUE_TYPES[type],
          reportStats: true,
        });
        return {
          queue,
          type,
          pollers: pollers?.length ?? 0,
          polledAt: Math.max(
            -Infinity,
            ...(pollers ?? []).map(({ lastAccessTime }) => 1000 * secondsOf(lastAccessTime, -Infinity)),
          ),
          backlog: Number(stats?.approximateBacklogCount ?? 0),
          backlogAge: secondsOf(stats?.approximateBacklogAge, 0),
        };
      }),
    ),
  );
}

function secondsOf(time: { seconds?: unknown; nanos?: number | null } | null | undefined, otherwise: number): number {
  return time ? Number(time.seconds ?? 0) + (time.nanos ?? 0) / 1e9 : otherwise;
}
