import type { CheckInput, CheckOutput } from '../src/processors/tasks.js';
import type { Dependencies } from './dependencies.js';

const MAX_KEPT = 256;

/**
 * Asks a thread whether the processor, its parameters and the columns go together, once for each different question: the
 * small jobs of a service ask the same one over and over, and it is a fifth of what they cost.
 */
export function checkOnce(pool: Dependencies['pool']): (input: CheckInput) => Promise<CheckOutput> {
  const known = new Map<string, CheckOutput>();
  return async (input) => {
    // A Parquet file has types of its own, which may be others the next time.
    if (input.parquet) return pool.run('check', input);
    const key = JSON.stringify(input);
    const found = known.get(key);
    if (found) return found;
    const answer = await pool.run('check', input);
    if (known.size >= MAX_KEPT) known.delete(known.keys().next().value!);
    known.set(key, answer);
    return answer;
  };
}
