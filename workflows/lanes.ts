import { CancellationScope, condition } from '@temporalio/workflow';
import { Pace } from './pace.js';

/**
 * Runs the numbers `[from, to)` through `work`, as many at once as there are lanes and the pace allows. Each lane takes the
 * next number when it is done with one. The first failure cancels the others; it is thrown once all of them have ended.
 */
export class Lanes {
  private next: number;
  private active = 0;
  private failure: unknown;
  private failed = false;
  private readonly scope = new CancellationScope();

  constructor(
    from: number,
    private readonly to: number,
    private readonly work: (n: number) => Promise<void>,
    private readonly pace = new Pace(),
    /** Called for each lane that finds nothing more to do. */
    private readonly freed: () => void = () => undefined,
  ) {
    this.next = from;
  }

  /** Lanes that are open, those that wait included. */
  get running(): number {
    return this.active;
  }

  /** Adds lanes; one that finds no work is freed at once. */
  open(count: number): void {
    for (let i = 0; i < count; i++) {
      this.active++;
      void this.scope.run(() => this.lane()).catch((error: unknown) => this.fail(error));
    }
  }

  /** Resolves when every number is done; throws the first failure. */
  async done(): Promise<void> {
    await CancellationScope.nonCancellable(() => condition(() => this.active === 0));
    if (this.failed) throw this.failure;
  }

  private async lane(): Promise<void> {
    try {
      while (this.next < this.to && !this.failed) {
        const ready = this.pace.ready();
        // Asked again afterwards: of several lanes that waited, the first may have taken the last piece, or all the rate.
        if (ready) await ready;
        else await this.step(this.next++);
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.active--;
      if (!this.failed) this.freed();
    }
  }

  private async step(n: number): Promise<void> {
    this.pace.begin();
    try {
      await this.work(n);
    } finally {
      this.pace.end();
    }
  }

  private fail(error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    this.failure = error;
    this.scope.cancel();
  }
}
