import type { ThreadPool } from '../src/processors/pool.js';
import type { CheckInput, CheckOutput } from '../src/processors/tasks.js';
import type { Mask } from '../src/core/secrets.js';
import type { ScheduleWatch } from '../src/core/schedule-watch.js';
import type { Notifier, SinkStore, SourceStore, WorkArea } from '../src/stores/port.js';

/** What the activities work with; made by the worker's entry point. */
export interface Dependencies {
  files: SourceStore & SinkStore;
  work: WorkArea;
  pool: ThreadPool;
  check(input: CheckInput): Promise<CheckOutput>;
  /** Whether a job of this id runs. */
  isOpen(job: string): Promise<boolean>;
  notifier: Notifier;
  watch: ScheduleWatch;
  /** What a failure may say. */
  mask: Mask;
  taskQueue: string;
  /** Told of what happens to any schedule. */
  notifyUrls: readonly string[];
  /** Threads of all workers that serve this queue, as far as is known. */
  threads(): Promise<number>;
}
