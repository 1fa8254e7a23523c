import type { PlanView } from '../src/core/job.js';
import { local } from './activity-options.js';

/** What a job with this spec would do. Reads the source's head and samples, starts nothing. */
export function planDataset(spec: unknown): Promise<PlanView> {
  return local.preview({ spec });
}
