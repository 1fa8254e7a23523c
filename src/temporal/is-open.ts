import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { Execution } from './job-view.js';

export function isOpenExecution({ status }: Pick<Execution, 'status'>): boolean {
  return status.name === 'RUNNING' || status.name === 'PAUSED';
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
