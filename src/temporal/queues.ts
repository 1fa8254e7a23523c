import type { Client } from '@temporalio/client';
import { chunksQueue, noticesQueue } from '../contract.js';
import { inTime } from './in-time.js';

const CALL_MS = 4000;
/** `TaskQueueType` of the server's API. */
const TYPES = { workflow: 1, activity: 2 } as const;

/** How one queue of the workers stands. */
export interface QueueStanding {
  queue: string;
  type: keyof typeof TYPES;
  pollers: number;
  /** Tasks that wait, about; 0 where the server does not say. */
  backlog: number;
  /** Of the one that has waited longest, seconds. */
  backlogAge: number;
}

/** All queues of a task queue's workers. @throws MillraceError `temporal.*` */
export async function queueStandings(client: Client, namespace: string, taskQueue: string): Promise<QueueStanding[]> {
  const asked: Array<[string, keyof typeof TYPES]> = [
    [taskQueue, 'workflow'],
    [taskQueue, 'activity'],
    [chunksQueue(taskQueue), 'activity'],
    [noticesQueue(taskQueue), 'activity'],
  ];
  return inTime(client, CALL_MS, () =>
    Promise.all(
      asked.map(async ([queue, type]) => {
        const { pollers, stats } = await client.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name: queue },
          taskQueueType: TYPES[type],
          reportStats: true,
        });
        const age = stats?.approximateBacklogAge;
        return {
          queue,
          type,
          pollers: pollers?.length ?? 0,
          backlog: Number(stats?.approximateBacklogCount ?? 0),
          backlogAge: Number(age?.seconds ?? 0) + (age?.nanos ?? 0) / 1e9,
        };
      }),
    ),
  );
}
