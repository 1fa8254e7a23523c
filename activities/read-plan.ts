import type { Plan, PlanRef } from '../src/core/plan.js';
import { keys } from '../src/core/receipt.js';
import type { WorkArea } from '../src/stores/port.js';

/** The plan of a job: beside its reference, or from the work area. */
export async function readPlan(work: WorkArea, { job, inline }: PlanRef): Promise<Plan> {
  return inline ?? (JSON.parse((await work.read(keys.plan(job))).toString()) as Plan);
}
