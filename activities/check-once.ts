import { createMemo } from '../src/core/memo.js';
import type { CheckInput, CheckOutput } from '../src/processors/tasks.js';
import type { Dependencies } from './dependencies.js';

const MAX_KEPT = 256;

/**
 * Asks a thread whether the processor, its parameters and the columns go together, once for each different question: the
 * small jobs of a service ask the same one over and over, and it is a fifth of what they cost.
 */
export function checkOnce(pool: Dependencies['pool']): (input: CheckInput) => Promise<CheckOutput> {
  const answers = createMemo<CheckOutput>(MAX_KEPT);
  return async (input) => {
    const ask = () => pool.run('check', input);
    // A Parquet file has types of its own, which may be others the next time.
    return input.parquet ? ask() : answers(JSON.stringify(input), ask);
  };
}
