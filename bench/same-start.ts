import type { Client, WorkflowStartOptions } from '@temporalio/client';
import { DEFAULT_TENANT } from '../src/core/access.js';
import { parseSpec } from '../src/schema/spec.js';
import { startOf } from '../src/temporal/job-start.js';

/** Starts what nobody runs, with all that a job is started with: what the server does for a job, without an API before it. */
export function sameStart(
  client: Client,
  spec: unknown,
  more: Pick<WorkflowStartOptions, 'taskQueue' | 'startDelay'>,
): (workflowId: string) => Promise<unknown> {
  const { priority, ...told } = startOf(parseSpec(spec), 'digest', 'request', DEFAULT_TENANT);
  return (workflowId) =>
    client.workflow.start('nothing', { workflowId, args: [spec], ...told, priority: priority(workflowId), ...more });
}
