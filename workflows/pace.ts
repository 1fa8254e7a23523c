import { CancellationScope, condition, sleep } from '@temporalio/workflow';
import type { Busy } from '../src/core/receipt.js';
import type { Rate } from '../src/core/spec.js';

/** Less waiting than this is saved up: a timer is three events. */
const SHORTEST_WAIT_MS = 100;
/** Timers of the server come up to a second late. What was missed meanwhile may be made up for, so that the mean holds. */
const MOST_MADE_UP_MS = 1_500;
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 60_000;

/** In the sandbox: when the workflow task began, the same at every replay. */
function taskTime(): number {
  // eslint-disable-next-line no-restricted-properties -- it is no clock here
  return Date.now();
}

/** What a lane waits for before it takes more work: that nobody holds the job, that the rate allows it, that few enough work. */
export class Pace {
  /** Nothing new is handed out. */
  held = false;
  /** Pieces at work at once; what is at work already goes on. */
  most = Infinity;
  private limit: Rate = null;
  private working = 0;
  /** When the next piece may begin, by what was handed out so far; null before the first. */
  private nextAt: number | null = null;
  private timer: CancellationScope | null = null;
  /** What the other side of the processor bears at the moment: halved when it says no, one more for each round that it bore. */
  private bearable = Infinity;
  private sinceBusy = 0;
  private refusals = 0;

  /** Null where the next piece may begin at once; else resolves when it is worth asking again. */
  ready(): Promise<void> | null {
    return this.closed() ? condition(() => !this.closed()) : null;
  }

  begin(): void {
    this.working++;
  }

  end(): void {
    this.working--;
  }

  /** Between two pieces of one lane: gives way, and begins the next one once it may. */
  async again(): Promise<void> {
    this.end();
    try {
      for (let ready = this.ready(); ready; ready = this.ready()) await ready;
    } finally {
      this.begin();
    }
  }

  get rate(): Rate {
    return this.limit;
  }

  /** What was still to be waited for is forgiven. */
  set rate(rate: Rate) {
    if (JSON.stringify(rate) === JSON.stringify(this.limit)) return;
    this.limit = rate;
    this.nextAt = null;
    this.timer?.cancel();
  }

  /** Spaces out what is handed out: after so many records and chunks the next piece waits its time. */
  spend(records: number, chunks: number): void {
    if (!this.limit) return;
    const now = taskTime();
    const cost = ('records' in this.limit ? records / this.limit.records : chunks / this.limit.chunks) * 1000;
    this.nextAt = Math.max(this.nextAt ?? now, now - MOST_MADE_UP_MS) + cost;
    const ms = this.nextAt - now;
    if (ms >= SHORTEST_WAIT_MS && !this.timer) this.wait(ms, 'options.rate');
  }

  /** A piece was refused by what the processor calls. @returns how often in a row that is now */
  refused({ retryAfterMs }: Busy): number {
    this.refusals++;
    this.sinceBusy = 0;
    this.bearable = Math.max(1, Math.floor(Math.min(this.bearable, this.working + 1) / 2));
    const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** (this.refusals - 1), LONGEST_BACKOFF_MS);
    if (!this.timer) this.wait(retryAfterMs ?? backoff, 'what the processor calls is busy');
    return this.refusals;
  }

  /** A piece was borne. */
  accepted(): void {
    this.refusals = 0;
    if (++this.sinceBusy < this.bearable) return;
    this.sinceBusy = 0;
    this.bearable++;
  }

  private wait(ms: number, summary: string): void {
    const timer = new CancellationScope();
    this.timer = timer;
    const over = () => {
      if (this.timer === timer) this.timer = null;
    };
    timer.run(() => sleep(ms, { summary })).then(over, over);
  }

  private closed(): boolean {
    return this.held || this.timer !== null || this.working >= Math.min(this.most, this.bearable);
  }
}
