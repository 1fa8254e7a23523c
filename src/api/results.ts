import { MillraceError } from '../core/errors.js';
import { isEndState } from '../core/job.js';
import type { JobResult, JobView, OutputRef } from '../core/job.js';
import type { JobRows } from '../schema/views.js';
import type { ByteSource, SourceStore, WorkArea } from '../stores/port.js';
import { HttpProblem } from './problems.js';

const MAX_INLINE_BYTES = 1024 * 1024;

export interface ResultStores {
  sources: SourceStore;
  work: WorkArea;
}

/** The result of a completed job. @throws HttpProblem `job.not_done`, `job.no_result` */
export function resultOf(job: JobView): JobResult {
  if (job.result) return job.result;
  if (!isEndState(job.state)) {
    throw new HttpProblem('job.not_done', `job "${job.id}" is ${job.state}; ask again when it has ended`, {
      link: job.links.self,
    });
  }
  const why = job.error ? `${job.error.code}: ${job.error.message}` : job.state;
  throw new HttpProblem('job.no_result', `job "${job.id}" ended without a result: ${why}`, { link: job.links.self });
}

/** All rows of a small result. @throws HttpProblem `result.too_large` with the way to the output */
export async function rowsOf(job: JobView, stores: ResultStores): Promise<JobRows> {
  const { output, rows } = resultOf(job);
  const columns = output.columns;
  if (rows) return { rows, columns, truncated: false };
  if (output.format !== 'ndjson' || output.gzip || !output.single || output.bytes > MAX_INLINE_BYTES) {
    const size = `${output.bytes} bytes of ${output.gzip ? 'gzipped ' : ''}${output.format}`;
    throw new HttpProblem(
      'result.too_large',
      `the result of job "${job.id}" (${size}) is not given inline; get ${job.links.output}`,
      {
        link: job.links.output,
      },
    );
  }
  const source = await openOutput(output, stores);
  try {
    const text = (await source.read(0, source.size)).toString();
    const lines = text.split('\n').filter((line) => line !== '');
    return { rows: lines.map((line) => JSON.parse(line) as Record<string, unknown>), columns, truncated: false };
  } finally {
    await source.close();
  }
}

/** @throws HttpProblem `output.gone` where somebody removed it */
export async function openOutput(
  output: Pick<OutputRef, 'uri' | 'inWorkArea'>,
  { sources, work }: ResultStores,
): Promise<ByteSource> {
  try {
    return await (output.inWorkArea ? work.open(output.uri) : sources.open(output.uri));
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (!absent && !(error instanceof MillraceError && error.code === 'source.not_found')) throw error;
    throw new HttpProblem('output.gone', `output "${output.uri}" is no longer there`);
  }
}
