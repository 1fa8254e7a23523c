/** Workflows by the names of the contract that do as their spec says, with no activities: what is tested is the way in and out. */
import { ApplicationFailure, condition, defineQuery, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { PROGRESS_QUERY } from '../../../src/contract.js';
import { emptyProgress } from '../../../src/core/progress.js';
import type { JobProgress, JobResult, PlanView } from '../../../src/core/job.js';

interface Spec {
  source: { items?: unknown[]; itemsKey?: string };
  process: { use: string; with?: { result?: JobResult } };
}

const STATE = defineSearchAttributeKey('MillraceState', SearchAttributeType.KEYWORD);
const progressQuery = defineQuery<JobProgress>(PROGRESS_QUERY);

export async function processDataset(given: unknown): Promise<JobResult> {
  const spec = given as Spec;
  const progress: JobProgress = {
    ...emptyProgress(),
    state: 'running',
    name: '',
    processor: spec.process.use,
    source: spec.source.itemsKey ?? `${spec.source.items?.length ?? 0} items`,
    chunks: { total: 4, done: 1, running: 2, failed: 0 },
    records: { in: 10, used: 10, filtered: 0, rejected: 0, out: 10 },
    bytes: { total: 400, done: 100 },
  };
  setHandler(progressQuery, () => progress);
  upsertSearchAttributes([{ key: STATE, value: 'running' }]);
  if (spec.process.use === 'fail') throw ApplicationFailure.nonRetryable('column "x" is not there', 'sql.failed');
  const result = spec.process.with?.result;
  if (!result) return condition(() => false).then(() => result!);
  upsertSearchAttributes([{ key: STATE, value: result.state }]);
  return result;
}

export async function planDataset(given: unknown): Promise<PlanView> {
  const spec = given as Spec;
  if (spec.process.use === 'fail') {
    throw ApplicationFailure.create({
      message: 'column "x" is not there',
      type: 'sql.failed',
      nonRetryable: true,
      details: [{ issues: [{ path: '/process/with/map', message: 'column "x" is not there' }] }],
    });
  }
  return {
    name: 'tiny',
    processor: spec.process.use,
    format: 'items',
    files: 0,
    chunks: 1,
    bytes: 0,
    records: spec.source.items?.length ?? 0,
    recordsExact: true,
    chunksPerActivity: 1,
    concurrency: 4,
    columns: [],
    output: null,
    sample: [],
    warnings: [],
  };
}
