import type { ThreadPool } from '../src/processors/pool.js';
import type { CheckInput, CheckOutput } from '../src/processors/tasks.js';
import type { SinkStore, SourceStore, WorkArea } from '../src/stores/port.js';

/** What the activities work with; made by the worker's entry point. */
export interface Dependencies {
  files: SourceStore & SinkStore;
  work: WorkArea;
  pool: ThreadPool;
  check(input: CheckInput): Promise<CheckOutput>;
  /** Threads of all workers that serve this queue, as far as is known. */
  threads(): Promise<number>;
}
