import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { executionInfoFromRaw } from '@temporalio/client/lib/helpers.js';
import type { temporal } from '@temporalio/proto';
import { isUndecipherable } from './encryption.js';

/** What the server says of a workflow. One that was encrypted with a key that is not here is told by what is not encrypted. */
export async function readableInfo(
  client: Client,
  namespace: string,
  raw: temporal.api.workflow.v1.IWorkflowExecutionInfo,
): Promise<WorkflowExecutionInfo> {
  const converter = client.options.loadedDataConverter;
  try {
    return await executionInfoFromRaw(raw, converter, raw, namespace);
  } catch (error) {
    if (!isUndecipherable(error)) throw error;
    // Over it and not a copy: what the server left out stands on its prototype.
    const readable = Object.assign(Object.create(raw) as typeof raw, { memo: null });
    return executionInfoFromRaw(readable, converter, raw, namespace);
  }
}
