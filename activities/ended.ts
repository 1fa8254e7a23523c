import type { EndState, Ended } from '../src/core/job.js';
import { keys } from '../src/core/receipt.js';
import { RETENTION_MS } from '../src/core/spec.js';
import type { JobOptions } from '../src/core/spec.js';
import type { WorkArea } from '../src/stores/port.js';

/** Says in the job's folder that it ended, and until when what is there is kept. */
export async function writeEnded(
  work: WorkArea,
  job: string,
  end: { state: EndState; at: Date; retention?: JobOptions['retention'] },
): Promise<void> {
  const { state, at, retention } = end;
  const until = (ms = RETENTION_MS) => new Date(at.getTime() + ms).toISOString();
  const ended: Ended = {
    state,
    endedAt: at.toISOString(),
    keepUntil: { work: until(retention?.workMs), result: until(retention?.resultMs) },
  };
  await work.replace(keys.ended(job), JSON.stringify(ended));
}
