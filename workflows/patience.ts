import type { PlanSummary } from '../src/core/plan.js';
import { patienceMs } from '../src/core/window.js';

/** How long the activities of one history may take until they leave the rest of their range to the next one. */
export class Patience {
  private more = 0;

  /** @param ranges how many activities the history has in any case */
  constructor(
    private readonly plan: PlanSummary,
    private readonly ranges: number,
  ) {}

  /** Absent: as long as their range takes. */
  get ms(): number | undefined {
    const { endsAnywhere, options } = this.plan;
    // With a rate its ranges are as short as can be, and each has a timer beside it in the history.
    if (!endsAnywhere || options.rate) return undefined;
    const ms = patienceMs(this.ranges, this.more);
    return ms < Infinity ? ms : undefined;
  }

  /** An activity has left a rest. */
  spend(): void {
    this.more++;
  }
}
