import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { isEndState } from '../src/core/job.js';
import type { JobProgress, JobState } from '../src/core/job.js';
import type { Plan, PlanSummary } from '../src/core/plan.js';
import {
  NO_TOTALS,
  addTotals,
  emptyProgress,
  exceedsTolerance,
  plannedProgress,
  progressText,
  subtractTotals,
} from '../src/core/progress.js';
import type { Totals } from '../src/core/progress.js';
import type { JobOptions } from '../src/core/spec.js';
import { tooManyRejects } from './outcome.js';
import { attributes } from './attributes.js';

const SMALL_COMMIT_BYTES = 16 * 1024 * 1024;
const SMALL_COMMIT_CHUNKS = 500;

/** What the workflow knows of its own progress: answers the query, feeds the Web UI, judges the tolerance. */
export class JobLedger {
  progress: JobProgress = emptyProgress();
  private total: Totals = NO_TOTALS;
  private options: JobOptions | null = null;
  private commitBytes: number | null = null;
  inlinePlan: Plan | undefined;

  planned(plan: PlanSummary): void {
    this.progress = plannedProgress(plan);
    this.options = plan.options;
    this.inlinePlan = plan.inline;
    upsertSearchAttributes(attributes({ name: plan.name, processor: plan.processor, state: 'running' }));
    this.tell();
  }

  /** @param running activities still open, where the caller knows it */
  add(done: Totals, running = this.progress.chunks.running): void {
    this.show(addTotals(this.total, done), running);
    this.checkTolerance(false);
  }

  /** A range was run again from another start. Its rejects are judged at the end only, for that start may move once more. */
  correct(undone: Totals, done: Totals): void {
    this.show(addTotals(subtractTotals(this.total, undone), done), this.progress.chunks.running);
  }

  enter(state: JobState): void {
    this.progress = { ...this.progress, state, chunks: { ...this.progress.chunks, running: 0 } };
    // Lists are by this attribute. A small job is over before anybody could ask, so it is spared the events.
    if (isEndState(state) || this.progress.chunks.total > 1) upsertSearchAttributes(attributes({ state }));
    this.tell();
  }

  checkTolerance(final: boolean): void {
    const tolerate = this.options?.rejects.tolerate ?? null;
    if (exceedsTolerance(this.total, tolerate, final)) throw tooManyRejects(this.total, tolerate);
  }

  /** @param bytes of the one part that all partials became */
  reduced(bytes: number): void {
    this.commitBytes = bytes;
  }

  /** Few bytes in few parts: quick enough for a local activity. */
  get commitIsSmall(): boolean {
    const few = this.progress.chunks.total <= SMALL_COMMIT_CHUNKS;
    return few && (this.commitBytes ?? this.total.outBytes) < SMALL_COMMIT_BYTES;
  }

  private show(total: Totals, running: number): void {
    this.total = total;
    this.progress = {
      ...this.progress,
      chunks: { ...this.progress.chunks, done: total.chunks, running },
      records: total.counts,
      bytes: { ...this.progress.bytes, done: total.bytes },
    };
    this.tell();
  }

  private tell(): void {
    setCurrentDetails(progressText(this.progress));
  }
}
