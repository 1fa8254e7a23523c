import { Context } from '@temporalio/activity';
import { isChunksQueue } from '../src/contract.js';
import type { Lane } from '../src/processors/pool.js';

/** The threads that the activity at hand uses: those of the queue it came by. */
export function currentLane(): Lane {
  return isChunksQueue(Context.current().info.taskQueue) ? 'chunks' : 'short';
}
