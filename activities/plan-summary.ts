import { endsAnywhere, isOneRange } from '../src/core/part-format.js';
import { isText } from '../src/core/source-format.js';
import { copiedLabel } from './copy-source.js';
import { isOneChunk } from '../src/core/plan.js';
import type { Plan, PlanSummary } from '../src/core/plan.js';

export function summaryOf(plan: Plan, inline: boolean, warnings: string[]): PlanSummary {
  const text = isText(plan.format) && !plan.files.every(isOneChunk);
  return {
    inline: inline ? plan : undefined,
    name: plan.spec.name,
    processor: plan.spec.process.use,
    sourceLabel: sourceLabel(plan),
    chunkCount: plan.chunkCount,
    chunksPerActivity: plan.chunksPerActivity,
    bytes: plan.bytes,
    records: plan.records,
    concurrency: plan.concurrency,
    reduces: plan.reduces,
    stitches: text && !isOneRange(plan),
    options: plan.spec.options,
    warnings,
    ...(plan.spec.sink?.table?.visible && { loads: true as const }),
    ...(endsAnywhere(plan) && { endsAnywhere: true as const }),
  };
}

function sourceLabel({ files, itemCount, spec }: Plan): string {
  const copied = copiedLabel(spec.source);
  if (copied !== null) return copied;
  if (files.length === 0) return `${itemCount} items`;
  const name = files[0]!.label.split('/').at(-1)!;
  return files.length === 1 ? name : `${name} and ${files.length - 1} more`;
}
