import type { Client } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';

/** The spec as a run got it, out of its first event. */
export async function givenSpec(
  { client, namespace, call }: { client: Client; namespace: string; call<T>(run: () => Promise<T>): Promise<T> },
  { workflowId, runId }: { workflowId: string; runId: string },
): Promise<unknown> {
  const { history } = await call(() =>
    client.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId, runId },
      maximumPageSize: 1,
    }),
  );
  const input = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads;
  const [spec] = await decodeArrayFromPayloads(client.options.loadedDataConverter, input);
  return spec;
}
