import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import type { JobState } from '../src/core/job.js';

const NAME = defineSearchAttributeKey('MillraceName', SearchAttributeType.KEYWORD);
const PROCESSOR = defineSearchAttributeKey('MillraceProcessor', SearchAttributeType.KEYWORD);
const STATE = defineSearchAttributeKey('MillraceState', SearchAttributeType.KEYWORD);

/** The search attributes a job sets of itself, for those given. */
export function attributes(values: {
  name?: string;
  processor?: string;
  state: JobState;
}): SearchAttributeUpdatePair[] {
  const pairs: SearchAttributeUpdatePair[] = [{ key: STATE, value: values.state }];
  if (values.name !== undefined) pairs.push({ key: NAME, value: values.name });
  if (values.processor !== undefined) pairs.push({ key: PROCESSOR, value: values.processor });
  return pairs;
}
