import type { WorkflowExecutionStatusName } from '@temporalio/client';
import type { SearchAttributePair } from '@temporalio/common';
import { DEFAULT_TENANT, ownScheduleId } from '../core/access.js';
import type { JobProgress, JobResult, JobState, JobView } from '../core/job.js';
import { OPEN_STATES } from '../core/job.js';
import { SCHEDULED_TIME_MEMO } from '../contract.js';
import type { Counts } from '../core/records.js';

/** What the server says of a workflow, by describe or in a list. */
export interface Execution {
  workflowId: string;
  status: { name: WorkflowExecutionStatusName };
  startTime: Date;
  closeTime?: Date;
  memo?: Record<string, unknown>;
  attributes: SearchAttributePair[];
}

/** What more was found out about it. */
export interface Findings {
  progress?: JobProgress | null;
  result?: JobResult;
  error?: { code: string; message: string };
  stale?: boolean;
  /** Beside those of the progress. */
  warnings?: string[];
}

export type LinkTo = (id: string) => string | null;

/** The job as every door shows it, from all that is known. */
export function jobView(execution: Execution, found: Findings, temporalLink: LinkTo, now = new Date()): JobView {
  const { workflowId: id, startTime, memo = {} } = execution;
  const { progress, result } = found;
  // Results of the first version do not say when.
  const closeTime = result?.finishedAt ? new Date(result.finishedAt) : execution.closeTime;
  const self = `/v1/jobs/${encodeURIComponent(id)}`;
  const seconds = ((closeTime ?? now).getTime() - startTime.getTime()) / 1000;
  return {
    id,
    name: progress?.name || attribute(execution, 'MillraceName') || text(memo.name) || id,
    processor: progress?.processor || attribute(execution, 'MillraceProcessor') || text(memo.processor) || '',
    state: stateOf(execution, found),
    source: progress?.source || text(memo.source) || null,
    createdAt: startTime.toISOString(),
    finishedAt: closeTime?.toISOString() ?? null,
    progress: result ? finishedProgress(result, seconds) : progress ? openProgress(progress, seconds) : null,
    startsAt: text(memo.startsAt) ?? null,
    schedule: scheduledOf(execution),
    generation: generationOf(execution),
    paused: progress?.paused ?? null,
    settings: (execution.status.name === 'RUNNING' && progress?.settings) || null,
    stale: found.stale ?? false,
    result: result ?? null,
    error: found.error ?? null,
    warnings: [...(progress?.warnings ?? []), ...(found.warnings ?? [])],
    links: {
      self,
      result: `${self}/result`,
      output: `${self}/output`,
      manifest: `${self}/manifest`,
      rejects: `${self}/rejects`,
      temporal: temporalLink(id),
    },
  };
}

/** 0, and one more for each retry. */
export function generationOf({ memo }: Execution): number {
  return typeof memo?.generation === 'number' ? memo.generation : 0;
}

export function tenantOf(execution: Execution): string {
  return attribute(execution, 'MillraceTenant') ?? DEFAULT_TENANT;
}

/** The schedule that started the first run of a job, and its nominal time; null where none did. */
export function scheduledOf(execution: Execution): JobView['schedule'] {
  const serverId = attribute(execution, 'MillraceSchedule');
  if (serverId === undefined) return null;
  const id = ownScheduleId(serverId);
  const kept = text(execution.memo?.[SCHEDULED_TIME_MEMO]);
  const told = execution.attributes.find(({ key }) => key.name === 'TemporalScheduledStartTime')?.value;
  return { id, time: kept ?? (told instanceof Date ? told.toISOString() : null) };
}

function stateOf(execution: Execution, { progress, result }: Findings): JobState {
  switch (execution.status.name) {
    case 'COMPLETED': {
      const said = attribute(execution, 'MillraceState');
      return result?.state ?? (said === 'completed_with_rejects' ? said : 'completed');
    }
    case 'CANCELLED':
      return 'cancelled';
    case 'FAILED':
    case 'TERMINATED':
    case 'TIMED_OUT':
      return 'failed';
    default: {
      const said = progress?.state ?? attribute(execution, 'MillraceState');
      return OPEN_STATES.find((state) => state === said) ?? (progress ? 'committing' : 'pending');
    }
  }
}

function openProgress(progress: JobProgress, seconds: number): JobView['progress'] {
  const { chunks, records, bytes, expectedRecords } = progress;
  const share = bytes.total > 0 ? bytes.done / bytes.total : chunks.total > 0 ? chunks.done / chunks.total : 0;
  return {
    chunks,
    records,
    bytes,
    expectedRecords,
    rate: rateOf(records, seconds),
    eta: share > 0 ? Math.max(0, Math.round(seconds / share - seconds)) : null,
  };
}

function finishedProgress(result: JobResult, seconds: number): JobView['progress'] {
  // Results of the first version do not speak of failed chunks.
  const { chunks, counts, bytes, failedChunks: failed = 0 } = result;
  return {
    chunks: { total: chunks, done: chunks - failed, running: 0, failed },
    records: counts,
    bytes: { total: bytes, done: bytes },
    expectedRecords: counts.in,
    rate: rateOf(counts, seconds),
    eta: 0,
  };
}

function rateOf(records: Counts, seconds: number): number {
  return seconds > 0 ? Math.round(records.in / seconds) : 0;
}

export function attribute(execution: Execution, name: string): string | undefined {
  return text(execution.attributes.find((pair) => pair.key.name === name)?.value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
