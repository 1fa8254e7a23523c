import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import {
  decodeArrayFromPayloads,
  decodeOptionalFailureToOptionalError,
} from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { RangeBeat } from '../contract.js';
import type { ChunksAtWork } from '../core/chunk-view.js';
import { failureOf } from './failures.js';

const PROCESS_CHUNKS = 'processChunks';

type Description = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['describe']>>['raw'];
type PendingActivity = NonNullable<Description['pendingActivities']>[number];

/**
 * The chunks that activities of a job are at, or are to try again: of its workflow and of the windows that are open. An
 * activity that no worker has taken yet is not among them.
 */
export async function chunksAtWork(
  client: Client,
  call: <T>(run: () => Promise<T>) => Promise<T>,
  job: string,
): Promise<ChunksAtWork[]> {
  const describe = async (id: string): Promise<Description | null> => {
    try {
      return (await call(() => client.workflow.getHandle(id).describe())).raw;
    } catch (error) {
      // It ended in between.
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  };
  const root = await describe(job);
  const windows = await Promise.all((root?.pendingChildren ?? []).map(({ workflowId }) => describe(workflowId!)));
  const pending = [root, ...windows].flatMap((one) => one?.pendingActivities ?? []);
  const ranges = await Promise.all(pending.map((activity) => rangeOf(client, activity)));
  return ranges.filter((range) => range !== null);
}

async function rangeOf(client: Client, activity: PendingActivity): Promise<ChunksAtWork | null> {
  if (activity.activityType?.name !== PROCESS_CHUNKS) return null;
  const converter = client.options.loadedDataConverter;
  const [beat] = await decodeArrayFromPayloads(converter, activity.heartbeatDetails?.payloads);
  const { from, to } = (beat ?? {}) as Partial<RangeBeat>;
  if (from === undefined || to === undefined) return null;
  const failure = await decodeOptionalFailureToOptionalError(converter, activity.lastFailure);
  const { code, message } = failure ? failureOf(failure) : { code: '', message: '' };
  return { from, to, attempt: activity.attempt ?? null, error: failure ? { code, message } : null };
}
