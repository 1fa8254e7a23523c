import { PROCESS_DATASET } from '../contract.js';
import type { JobState } from '../core/job.js';

/** The visibility query of a list of jobs. */
export function listQuery(filter: { state?: JobState; name?: string; since?: Date }): string {
  const terms = [`WorkflowType = ${quoted(PROCESS_DATASET)}`];
  if (filter.state) terms.push(stateTerm(filter.state));
  if (filter.name !== undefined) terms.push(`MillraceName = ${quoted(filter.name)}`);
  if (filter.since) terms.push(`StartTime >= ${quoted(filter.since.toISOString())}`);
  return terms.join(' AND ');
}

/** How a workflow ended is the server's word; only the finer states are the job's own. */
function stateTerm(state: JobState): string {
  switch (state) {
    case 'completed':
      return `ExecutionStatus = 'Completed' AND MillraceState = 'completed'`;
    case 'completed_with_rejects':
      return `ExecutionStatus = 'Completed' AND MillraceState = 'completed_with_rejects'`;
    case 'failed':
      return `ExecutionStatus IN ('Failed', 'Terminated', 'TimedOut')`;
    case 'cancelled':
      return `ExecutionStatus = 'Canceled'`;
    default:
      return `ExecutionStatus = 'Running' AND MillraceState = ${quoted(state)}`;
  }
}

/** A literal that its content cannot leave. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
