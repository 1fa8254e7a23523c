import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import type { JobState } from '../src/core/job.js';
import type { SearchAttributeName } from '../src/core/search-attributes.js';

function keyword(name: SearchAttributeName) {
  return defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
}

const NAME = keyword('MillraceName');
const PROCESSOR = keyword('MillraceProcessor');
const STATE = keyword('MillraceState');

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
