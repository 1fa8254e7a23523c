import { Context } from '@temporalio/activity';
import { MillraceError } from '../src/core/errors.js';
import type { RangeBeat } from '../src/contract.js';
import type { RangeInput } from '../src/core/plan.js';
import { middleOf } from '../src/core/window.js';
import { TaskControl } from '../src/processors/control.js';
import type { ThreadPool } from '../src/processors/pool.js';
import type { Death, Poison, ProcessOutput, RecordUnit } from '../src/processors/tasks.js';
import { withHeartbeats } from './heartbeats.js';
import { currentLane } from './lane.js';

/** What the heartbeats of an attempt carry; the last one is found by the attempt after it. */
interface AttemptBeat extends RangeBeat {
  bytes: number;
  records: number;
  /** Code of the error that the attempt failed of. Absent from an attempt that vanished: its worker died, or its time was up. */
  ended?: string;
  search?: Search;
}

/** How far the search for the records that end their process has come. */
interface Search {
  poison: Poison[];
  /** What is being narrowed down. */
  suspect?: Suspect;
  /** First records of units that take long and end: no limit holds for them. */
  slow: number[];
}

interface Suspect {
  unit: RecordUnit;
  /** First record of the unit that it was found in. */
  origin: number;
  death: Pick<Death, 'code' | 'how'>;
}

/** Codes of attempts whose thread or process was lost: what they ran must not hurt a worker again. */
const LOST = new Set(['worker.thread_lost', 'processor.crashed', 'processor.out_of_memory', 'processor.stuck']);

/**
 * In a task process, a record that is not done after this share of the attempt's time is stuck. An attempt has time for
 * several of them then, each of which is waited for twice.
 */
const STALL_SHARE = 1 / 8;
const MIN_STALL_MS = 500;

/** Of the time of an attempt, how much a range may take that can be left to the next activity; it may have waited for its thread. */
const TIME_SHARE = 1 / 2;

/** Each costs two processes. So many in one range are no oddity of the data: the processor is broken. */
const MAX_POISON = 32;

function beatBefore(): AttemptBeat | undefined {
  return Context.current().info.heartbeatDetails as AttemptBeat | undefined;
}

/** Whether this attempt runs in processes of its own: one before it was lost, or did so too. */
export function isForked(): boolean {
  if (Context.current().info.attempt === 1) return false;
  const before = beatBefore();
  return !before?.ended || LOST.has(before.ended) || before.search !== undefined;
}

/**
 * Runs the range of this attempt: in a thread of the worker, or in a process of its own where the attempt before was lost.
 * There a record that ends the process is found and rejected, so that the range does not die the same way each time.
 */
export async function runAttempt(pool: ThreadPool, input: RangeInput): Promise<ProcessOutput> {
  const context = Context.current();
  const { attempt, startToCloseTimeoutMs } = context.info;
  const forked = isForked();
  const search: Search = beatBefore()?.search ?? { poison: [], slow: [] };
  const control = new TaskControl();
  const endBy = input.patienceMs === undefined ? undefined : Date.now() + startToCloseTimeoutMs * TIME_SHARE;
  const task = { ...input, attempt, endBy };
  const progress = (): AttemptBeat => ({
    from: input.from,
    to: input.to,
    bytes: control.bytes,
    records: control.records,
    ...(forked ? { search } : {}),
  });
  try {
    return await withHeartbeats(
      (signal) =>
        forked
          ? new ForkedRun(pool, task, search, startToCloseTimeoutMs, { signal, control }).finish()
          : pool.run('process', task, { signal, control, lane: currentLane() }),
      progress,
    );
  } catch (error) {
    const ended = error instanceof MillraceError ? error.code : 'worker.failed';
    context.heartbeat({ ...progress(), ended } satisfies AttemptBeat);
    throw error;
  }
}

/** One range, run in processes of their own until it is through. */
class ForkedRun {
  private readonly stallMs: number;

  constructor(
    private readonly pool: ThreadPool,
    private readonly input: RangeInput & { attempt: number },
    private readonly search: Search,
    timeoutMs: number,
    private readonly options: { signal: AbortSignal; control: TaskControl },
  ) {
    this.stallMs = Math.max(MIN_STALL_MS, timeoutMs * STALL_SHARE);
  }

  async finish(): Promise<ProcessOutput> {
    const { search, stallMs } = this;
    for (;;) {
      if (search.suspect) await this.narrow(search.suspect);
      const end = await this.pool.runForked(
        'process',
        { ...this.input, poison: search.poison, stopAt: this.half() },
        { ...this.options, limitMs: ({ first }) => (search.slow.includes(first) ? Infinity : stallMs) },
      );
      if ('output' in end) return end.output;
      search.suspect = this.suspect(end.death);
    }
  }

  /** What was too much for a thread may have been too much at once. */
  private half(): number | undefined {
    return this.input.patienceMs === undefined ? undefined : middleOf(this.input);
  }

  /** Halving would take more deaths: a unit's records are given one by one, and the one that ends it is tried alone. */
  private async narrow(from: Suspect): Promise<void> {
    const { search, stallMs } = this;
    for (let suspect = from; ;) {
      const { unit, origin } = suspect;
      const end = await this.pool.runForked(
        'probe',
        { ...this.input, poison: search.poison, unit },
        { ...this.options, limitMs: () => stallMs },
      );
      if ('output' in end) return this.acquit(suspect);
      const next = this.suspect(end.death, origin);
      if (unit.count === 1) return this.condemn(unit.first, next.death);
      search.suspect = suspect = next;
    }
  }

  private suspect({ code, how, unit }: Death, origin = unit?.first ?? 0): Suspect {
    if (unit) return { unit, origin, death: { code, how } };
    throw this.failure(
      { code, how },
      'while no single record was at work (SQL runs whole chunks; the source was being read, or a result finished)',
    );
  }

  /** A record is rejected only when it ends a process that saw no other. */
  private condemn(record: number, { code, how }: Suspect['death']): void {
    const { poison } = this.search;
    poison.push({ record, code, message: `${WHAT[code]} at this record (${how})` });
    this.search.suspect = undefined;
    if (poison.length < MAX_POISON) return;
    throw new MillraceError(
      code,
      `${poison.length} records of ${this.place()} each end the process of the processor, the last one as: ${WHAT[code]} (${how}); ` +
        'mend the processor',
    );
  }

  /** The records do no harm alone: together they took long, or what came before them had its part in it. */
  private acquit({ unit, origin, death }: Suspect): void {
    this.search.suspect = undefined;
    if (death.code !== 'processor.stuck') {
      const last = unit.first + unit.count;
      const which = unit.count === 1 ? `record ${last}` : `records ${unit.first + 1}-${last}`;
      throw this.failure(death, `at ${which} of those that could be read, and not at any one of them alone`);
    }
    this.search.slow.push(origin);
  }

  private failure({ code, how }: Suspect['death'], where: string): MillraceError {
    return new MillraceError(code, `${WHAT[code]} (${how}) in ${this.place()}, ${where}`, { retryable: true });
  }

  private place(): string {
    const { from, to } = this.input;
    return to - from === 1 ? `chunk ${from + 1}` : `chunks ${from + 1}-${to}`;
  }
}

const WHAT: Record<Death['code'], string> = {
  'processor.crashed': 'the processor ended its process',
  'processor.out_of_memory': 'the processor ran out of memory',
  'processor.stuck': 'the processor did not come to an end',
};
