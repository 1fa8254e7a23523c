import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import { noticesQueue } from '../src/contract.js';
import type { Activities } from '../src/contract.js';

/** One look at all schedules, for those who want to be told; started every minute by a schedule of its own. */
export async function watchSchedules(): Promise<number> {
  const activities = proxyActivities<Activities>({
    taskQueue: noticesQueue(workflowInfo().taskQueue),
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '30s',
    scheduleToCloseTimeout: '10 minutes',
    retry: { initialInterval: '1s', maximumInterval: '30s' },
  });
  return activities.watchSchedules();
}
