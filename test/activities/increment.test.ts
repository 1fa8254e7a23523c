import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { claimAgain, claimFiles, finishFiles, releaseFiles, sealFiles } from '../../activities/increment.js';
import { MillraceError } from '../../src/core/errors.js';
import type { Plan } from '../../src/core/plan.js';
import { keys } from '../../src/core/receipt.js';
import type { FoundObject, WorkArea } from '../../src/stores/port.js';

/** As much of a work area as the log needs; each call gives way to others. */
function area(): { work: WorkArea; log: Map<string, string> } {
  const log = new Map<string, string>();
  const way = () => new Promise<void>((resolve) => setImmediate(resolve));
  const work = {
    async list(prefix: string) {
      await way();
      return [...log.keys()].filter((key) => key.startsWith(prefix)).sort();
    },
    async read(key: string) {
      await way();
      return Buffer.from(log.get(key)!);
    },
    async publish(key: string, text: string) {
      await way();
      if (log.has(key)) return false;
      log.set(key, text);
      return true;
    },
  };
  return { work: work as unknown as WorkArea, log };
}

const FILES: FoundObject[] = [0, 1, 2, 3].map((n) => ({
  uri: `/in/${n}.csv`,
  label: `${n}.csv`,
  pin: { size: n, mtimeMs: n, inode: n },
}));

type Deed = 'start' | 'commit' | 'crash' | 'fail' | 'terminate' | 'retry';
const deed = fc.constantFrom<Deed>('start', 'commit', 'crash', 'fail', 'terminate', 'retry');

/** A schedule whose runs start, publish, fail, are ended from outside and retried, several at once. */
class Runs {
  readonly published: string[] = [];
  private readonly open = new Set<string>();
  private readonly plans = new Map<string, Plan>();
  private readonly committed = new Set<string>();
  private count = 0;
  private readonly needs = { work: area().work, isOpen: (job: string) => Promise.resolve(this.open.has(job)) };

  async start(): Promise<string> {
    const job = `s-x-${this.count++}`;
    this.open.add(job);
    const files = await claimFiles(this.needs, 'x', job, FILES);
    this.plans.set(job, { job, increment: 'x', files } as unknown as Plan);
    return job;
  }

  /** `crash`: the worker dies between publishing and marking; the attempt after it does the rest. */
  async commit(job: string, crash = false): Promise<void> {
    const plan = this.plans.get(job)!;
    if (!this.committed.has(job)) {
      // Also of a job that was ended from outside: its activity does not know yet.
      if (!(await this.holds(() => sealFiles(this.needs, plan)))) return;
      // Another attempt may have published meanwhile: what it wrote is the same.
      if (!this.committed.has(job)) for (const { uri } of plan.files) this.published.push(uri);
      this.committed.add(job);
      await this.needs.work.publish(keys.committed(job), '{}');
    }
    if (crash) return;
    await finishFiles(this.needs, plan);
    this.open.delete(job);
  }

  async fail(job: string): Promise<void> {
    if (!this.open.has(job) || this.committed.has(job)) return;
    await releaseFiles(this.needs, this.plans.get(job)!);
    this.open.delete(job);
  }

  async retry(job: string): Promise<void> {
    if (this.open.has(job) || this.committed.has(job)) return;
    this.open.add(job);
    if (!(await this.holds(() => claimAgain(this.needs, this.plans.get(job)!)))) {
      await releaseFiles(this.needs, this.plans.get(job)!);
      this.open.delete(job);
    }
  }

  async act(deed: Deed, pick: number): Promise<void> {
    const jobs = [...this.plans.keys()];
    const job = jobs[pick % Math.max(1, jobs.length)];
    if (deed === 'start' || job === undefined) return void (await this.start());
    if (deed === 'terminate') return void (this.committed.has(job) || this.open.delete(job));
    if (deed === 'commit' || deed === 'crash') return this.commit(job, deed === 'crash');
    return this[deed](job);
  }

  /** Everything comes to its end, and one more run takes what is left, once no attempt can go on any more. */
  async finish(): Promise<void> {
    vi.setSystemTime(Date.now() + 11 * 60_000);
    for (const job of this.plans.keys()) {
      if (this.committed.has(job)) await this.commit(job);
      else await this.fail(job);
    }
    await this.commit(await this.start());
  }

  private async holds(run: () => Promise<void>): Promise<boolean> {
    try {
      await run();
      return true;
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'source.taken') return false;
      throw error;
    }
  }
}

beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterAll(() => void vi.useRealTimers());

it('each file is published by one run, whatever fails, and none is left over', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.tuple(deed, fc.nat(9)), { minLength: 1, maxLength: 3 }), { maxLength: 12 }),
      async (rounds) => {
        const runs = new Runs();
        for (const round of rounds) await Promise.all(round.map(([what, pick]) => runs.act(what, pick)));
        await runs.finish();
        expect([...runs.published].sort()).toEqual(FILES.map(({ uri }) => uri));
      },
    ),
    { numRuns: 2000 },
  );
}, 60_000);

it('a retry whose files another run took meanwhile says so', async () => {
  const { work } = area();
  const needs = { work, isOpen: () => Promise.resolve(false) };
  const plan = { job: 'a', increment: 'x', files: await claimFiles(needs, 'x', 'a', FILES) } as unknown as Plan;
  await releaseFiles(needs, plan);
  expect(await claimFiles(needs, 'x', 'b', FILES)).toEqual(FILES);
  await sealFiles(needs, { ...plan, job: 'b' });
  await work.publish(keys.committed('b'), '{}');
  await expect(claimAgain(needs, plan)).rejects.toMatchObject({
    code: 'source.taken',
    message:
      'source "0.csv" and 3 more: another run of the schedule took it meanwhile; its next run takes what is left',
  });
});
