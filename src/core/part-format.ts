import type { Plan } from './plan.js';
import type { SinkFormat } from './spec.js';

/** The form of the committed output: that of the sink, NDJSON where there is none. */
export function outputFormat(plan: Plan): SinkFormat {
  return plan.spec.sink?.format ?? 'ndjson';
}

/** Whether the output is one file: a sink that names a folder has part files, anything else is one. */
export function isSingleFile(plan: Plan): boolean {
  return !plan.spec.sink?.uri.endsWith('/');
}

/** Whether the plan has one range, whose thread may do the step over the partials at once. */
export function isOneRange(plan: Plan): boolean {
  return plan.chunkCount <= plan.chunksPerActivity;
}
