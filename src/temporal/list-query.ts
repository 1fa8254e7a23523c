import { createHash } from 'node:crypto';
import { PROCESS_DATASET } from '../contract.js';
import { DEFAULT_TENANT } from '../core/access.js';
import { MillraceError } from '../core/errors.js';
import type { JobState } from '../core/job.js';

/** The visibility query of a list of jobs. */
export function listQuery(filter: {
  tenant: string;
  state?: JobState;
  name?: string;
  search?: string;
  schedule?: string;
  since?: Date;
}): string {
  const terms = [`WorkflowType = ${quoted(PROCESS_DATASET)}`, tenantTerm(filter.tenant)];
  if (filter.state) terms.push(stateTerm(filter.state));
  if (filter.name !== undefined) terms.push(`MillraceName = ${quoted(filter.name)}`);
  if (filter.search !== undefined) {
    const start = quoted(filter.search);
    terms.push(`(MillraceName STARTS_WITH ${start} OR WorkflowId STARTS_WITH ${start})`);
  }
  if (filter.schedule !== undefined) terms.push(`MillraceSchedule = ${quoted(filter.schedule)}`);
  if (filter.since) terms.push(`StartTime >= ${quoted(filter.since.toISOString())}`);
  return terms.join(' AND ');
}

/** The visibility query of all runs of some jobs. */
export function runsQuery(ids: readonly string[]): string {
  return `WorkflowType = ${quoted(PROCESS_DATASET)} AND WorkflowId IN (${ids.map(quoted).join(', ')})`;
}

/** Jobs that were started by other means, and schedules of older versions, name no tenant. */
export function tenantTerm(tenant: string): string {
  const own = `MillraceTenant = ${quoted(tenant)}`;
  return tenant === DEFAULT_TENANT ? `(${own} OR MillraceTenant IS NULL)` : own;
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

/** A literal that its content cannot leave. NUL, which no name has and no database takes, gives one that nothing is like. */
function quoted(text: string): string {
  return `'${text.replaceAll('\0', '\uFFFD').replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

const SUM_BYTES = 8;

/** The server's page token as a cursor that is good for the same query only. The server takes a foreign token for a fault of its own. */
export function cursorOf(token: Uint8Array, query: string): string {
  return Buffer.concat([checksum(token, query), token]).toString('base64url');
}

/** @throws MillraceError `list.bad_cursor` */
export function tokenOf(cursor: string, query: string): Buffer {
  const bytes = Buffer.from(cursor, 'base64url');
  const token = bytes.subarray(SUM_BYTES);
  if (token.length > 0 && checksum(token, query).equals(bytes.subarray(0, SUM_BYTES))) return token;
  throw new MillraceError(
    'list.bad_cursor',
    `cursor "${cursor}" is not one that this list gave; start without a cursor`,
  );
}

function checksum(token: Uint8Array, query: string): Buffer {
  return createHash('sha256').update(query).update('\0').update(token).digest().subarray(0, SUM_BYTES);
}
