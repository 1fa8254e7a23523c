import type { Plan } from './plan.js';
import type { DigestKind } from './receipt.js';
import type { SinkFormat } from './spec.js';

/** The form of the committed output: that of the sink, NDJSON where there is none. */
export function outputFormat(plan: Plan): SinkFormat {
  return plan.spec.sink?.format ?? 'ndjson';
}

/** Whether the output is text that is gzipped: each part by itself, because gzip files one after the other are a gzip file. */
export function isGzipped({ spec: { sink } }: Plan): boolean {
  return sink?.compression === 'gzip' && sink.format !== 'parquet';
}

/** Whether the output is one file: a sink that names a folder has part files, anything else is one. */
export function isSingleFile(plan: Plan): boolean {
  return !plan.spec.sink?.uri.endsWith('/');
}

/**
 * How a part is held against damage: by sha256 where it may become an output file as it is, whose sha256 the manifest
 * names; by crc32, a third of the cost, where it will be joined into a file that gets its own.
 */
export function partDigest(plan: Plan): DigestKind {
  return isSingleFile(plan) && !isOneRange(plan) ? 'crc32' : 'sha256';
}

/**
 * Whether a range may end at any of its chunks, as time allows: where nobody can tell from the output, for the same plan gives
 * the same bytes. Part files, gzip files in a row, Parquet row groups and sums of floats show where ranges ended.
 */
export function endsAnywhere(plan: Plan): boolean {
  const joined = isSingleFile(plan) && outputFormat(plan) !== 'parquet' && !isGzipped(plan);
  return joined && !plan.reduces && !isOneRange(plan);
}

/** Whether the plan has one range, whose thread may do the step over the partials at once. */
export function isOneRange(plan: Plan): boolean {
  return plan.chunkCount <= plan.chunksPerActivity;
}
