import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { isEndState } from '../src/core/job.js';
import type { JobProgress, JobState } from '../src/core/job.js';
import type { Plan, PlanSummary } from '../src/core/plan.js';
import {
  NO_TOTALS,
  addTotals,
  emptyProgress,
  exceedsFailed,
  exceedsTolerance,
  plannedProgress,
  progressText,
  subtractTotals,
} from '../src/core/progress.js';
import type { Totals } from '../src/core/progress.js';
import type { Failure } from '../src/core/receipt.js';
import type { JobSettings } from '../src/core/settings.js';
import { tooManyFailed, tooManyRejects } from './outcome.js';
import { attributes } from './attributes.js';

const SMALL_COMMIT_BYTES = 16 * 1024 * 1024;
const SMALL_COMMIT_CHUNKS = 500;

/** What the workflow knows of its own progress: answers the query, feeds the Web UI, judges the tolerance. */
export class JobLedger {
  progress: JobProgress = emptyProgress();
  private total: Totals = NO_TOTALS;
  private settings: JobSettings | null = null;
  private failedChunks = 0;
  /** The state, but for a pause. */
  private stage: JobState = 'planning';
  private commitBytes: number | null = null;
  inlinePlan: Plan | undefined;

  /** Its source is being copied: what is known of it is an estimate. */
  copying({ name, processor }: PlanSummary): void {
    upsertSearchAttributes(attributes({ name, processor, state: this.progress.state }));
  }

  planned(plan: PlanSummary): void {
    const { paused } = this.progress;
    this.stage = 'running';
    const state = paused === null ? this.stage : 'paused';
    this.progress = { ...plannedProgress(plan), state, paused };
    this.inlinePlan = plan.inline;
    upsertSearchAttributes(attributes({ name: plan.name, processor: plan.processor, state }));
    this.tell();
  }

  /** Shows the job as paused. A job that has come to its end is beyond that. */
  pause(reason: string): void {
    if (isEndState(this.stage)) return;
    this.progress = { ...this.progress, paused: reason };
    this.showState();
  }

  resume(): void {
    if (this.progress.paused === null) return;
    this.progress = { ...this.progress, paused: null };
    this.showState();
  }

  /** The settings as they are now; tolerances are judged by them. */
  settle(settings: JobSettings): void {
    this.settings = settings;
    this.progress = { ...this.progress, settings };
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
    this.stage = state;
    const { chunks, paused } = this.progress;
    this.progress = { ...this.progress, chunks: { ...chunks, running: 0 }, paused: isEndState(state) ? null : paused };
    // Lists are by this attribute. A small job is over before anybody could ask, so it is spared the events.
    this.showState(isEndState(state) || chunks.total > 1);
  }

  checkTolerance(final: boolean): void {
    const tolerate = this.settings?.rejects ?? null;
    if (exceedsTolerance(this.total, tolerate, final)) throw tooManyRejects(this.total, tolerate);
  }

  /** A chunk was given up. */
  failed(failure: Failure): void {
    this.failedChunks++;
    const tolerate = this.settings?.failedChunks ?? null;
    const { total } = this.progress.chunks;
    if (exceedsFailed(this.failedChunks, tolerate, total))
      throw tooManyFailed(this.failedChunks, total, tolerate, failure);
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
      chunks: { ...this.progress.chunks, done: total.chunks, running, failed: total.failed ?? 0 },
      records: total.counts,
      bytes: { ...this.progress.bytes, done: total.bytes },
    };
    this.tell();
  }

  private showState(listed = true): void {
    const state = this.progress.paused === null ? this.stage : 'paused';
    this.progress = { ...this.progress, state };
    if (listed) upsertSearchAttributes(attributes({ state }));
    this.tell();
  }

  private tell(): void {
    setCurrentDetails(progressText(this.progress));
  }
}
