import type { Client } from '@temporalio/client';

/** All that the server keeps of a workflow and hands out to whoever asks it, as text. */
export async function kept({ workflowService }: Client, namespace: string, workflowId: string): Promise<string> {
  const at = { namespace, execution: { workflowId } };
  const [history, description] = await Promise.all([
    workflowService.getWorkflowExecutionHistory(at),
    workflowService.describeWorkflowExecution(at),
  ]);
  return readable(history.history?.events) + readable(description);
}

/** Bytes as the text that they are, too; JSON has them in base64. */
export function readable(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => {
    const isBytes = typeof one === 'string' && one.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(one);
    return isBytes ? `${one} ${Buffer.from(one, 'base64').toString('latin1')}` : one;
  });
}
