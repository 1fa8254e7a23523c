import type { SinkStore, SourceStore, WorkArea } from '../stores/port.js';
import type { Jobs } from '../temporal/jobs.js';
import type { Schedules } from '../temporal/schedules.js';

/** What the API answers with; made by its entry point. */
export interface ApiDeps {
  jobs: Jobs;
  schedules: Schedules;
  sources: SourceStore;
  sinks: Pick<SinkStore, 'resolve'>;
  work: WorkArea;
  /** Only workers of this queue count. */
  taskQueue: string;
  version: string;
  /** Host names, without ports, by which the service may be addressed beside those of loopback. */
  hosts?: string[];
  /** Aborted when the service stops: streams that would go on for ever end then. */
  closing?: AbortSignal;
  /** Takes one line for each error that nobody foresaw. */
  log?: (line: string) => void;
}
