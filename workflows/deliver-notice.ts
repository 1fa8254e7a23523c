import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import { noticesQueue } from '../src/contract.js';
import type { Activities, DeliverInput } from '../src/contract.js';

/**
 * Tells every URL of one event, each for itself: one that is dead keeps no other from hearing, and fails nothing but this.
 * Tries are quick at first, then every hour for a day.
 * @returns what could not be told
 */
export async function deliverNotice({ urls, notice: given }: DeliverInput): Promise<string[]> {
  const { startTime, taskQueue } = workflowInfo();
  const { notify } = proxyActivities<Activities>({
    taskQueue: noticesQueue(taskQueue),
    startToCloseTimeout: '30s',
    scheduleToCloseTimeout: '1 day',
    retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1h' },
  });
  const notice = { time: startTime.toISOString(), ...given };
  const told = await Promise.allSettled(urls.map((_, n) => notify({ urls, n, notice })));
  return told.flatMap((one, n) => (one.status === 'rejected' ? [`${n}: ${String(one.reason)}`] : []));
}
