import { ApplicationFailure, ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import { DELIVER_NOTICE } from '../src/contract.js';
import type { DeliverNotice } from '../src/contract.js';
import type { JobResult } from '../src/core/job.js';
import type { NoticedJob } from '../src/core/notice.js';

/** Has the URLs of `options.notify` told how the job ended, by a workflow that lives on: the job waits for nobody. */
export async function tellEnd(spec: unknown, job: NoticedJob): Promise<void> {
  const urls = urlsIn(spec);
  if (urls.length === 0) return;
  const { workflowId, runId } = workflowInfo();
  const id = `${workflowId}-${runId}`;
  try {
    await startChild<DeliverNotice>(DELIVER_NOTICE, {
      workflowId: `notice-${id}`,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [{ urls, notice: { id, type: `job.${job.state}`, job } }],
      staticSummary: `tells ${urls.length} webhooks that the job is ${job.state}`,
    });
  } catch {
    // Whoever is to be told, the job has ended as it has.
  }
}

export function endOf(id: string, name: string, result: JobResult): NoticedJob {
  return { id, name: name || id, state: result.state, records: result.counts };
}

/** What a failed job failed of; of a cancelled one there is nothing to say. */
export function errorOf(failure: unknown): Pick<NoticedJob, 'error'> {
  if (!(failure instanceof ApplicationFailure)) return {};
  return { error: { code: failure.type ?? 'job.failed', message: failure.message } };
}

/** Of a spec as it is written: the job may have failed of it before it was read. */
function urlsIn(spec: unknown): string[] {
  const notify = (spec as { options?: { notify?: unknown } } | null)?.options?.notify;
  return Array.isArray(notify) ? notify.filter((url): url is string => typeof url === 'string') : [];
}
