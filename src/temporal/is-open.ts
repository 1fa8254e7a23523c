import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { isUndecipherable } from './encryption.js';
import type { Execution } from './job-view.js';

export function isOpenExecution({ status }: Pick<Execution, 'status'>): boolean {
  return status.name === 'RUNNING' || status.name === 'PAUSED';
}

/** Whether the newest run of a workflow ended before a moment. One that the server does not know may be of another server, and run there. */
export async function endedBefore(client: Client, id: string, moment: Date): Promise<boolean> {
  try {
    const { closeTime } = await client.workflow.getHandle(id).describe();
    return closeTime !== undefined && closeTime < moment;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || isUndecipherable(error)) return false;
    throw error;
  }
}

/** Whether the newest run of a workflow is open. */
export async function isOpen(client: Client, id: string): Promise<boolean> {
  try {
    return isOpenExecution(await client.workflow.getHandle(id).describe());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
