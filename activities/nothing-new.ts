import type { Inspected } from '../src/contract.js';
import type { JobResult, Manifest } from '../src/core/job.js';
import { keys } from '../src/core/receipt.js';
import { NO_COUNTS } from '../src/core/records.js';
import type { JobSpec } from '../src/core/spec.js';
import { specDigest } from '../src/schema/spec.js';
import type { WorkArea } from '../src/stores/port.js';
import { writeEnded } from './ended.js';

/** The end of a run that finds nothing to take: completed, with no record, and its sink left alone. */
export async function nothingNew(work: WorkArea, spec: JobSpec, job: string, startedAt: string): Promise<Inspected> {
  const finishedAt = new Date().toISOString();
  const uri = keys.result(job, 'ndjson');
  const output = { uri, inWorkArea: true, format: 'ndjson', single: true, records: 0, bytes: 0, columns: [] } as const;
  const result: JobResult = {
    state: 'completed',
    counts: NO_COUNTS,
    bytes: 0,
    chunks: 0,
    finishedAt,
    manifest: keys.manifest(job),
    output: { ...output, columns: [] },
    rejects: null,
    failedChunks: 0,
    rows: [],
  };
  const manifest: Manifest = {
    version: 1,
    generation: 0,
    job,
    name: spec.name,
    specDigest: specDigest(spec),
    sources: [],
    columns: [],
    counts: NO_COUNTS,
    output: result.output,
    parts: [],
    rejects: [],
    failedChunks: [],
    started: startedAt,
    finished: finishedAt,
  };
  await work.publish(uri, '');
  await work.publish(result.manifest, JSON.stringify(manifest));
  await writeEnded(work, job, { state: 'completed', at: new Date(finishedAt), retention: spec.options.retention });
  return {
    name: spec.name,
    processor: spec.process.use,
    sourceLabel: 'nothing new',
    chunkCount: 0,
    chunksPerActivity: 1,
    bytes: 0,
    records: 0,
    concurrency: 1,
    reduces: false,
    stitches: false,
    options: spec.options,
    warnings: [],
    nothing: result,
  };
}
