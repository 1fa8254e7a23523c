import { MillraceError } from '../../core/errors.js';
import { chunkAt } from '../../core/plan.js';
import { keys } from '../../core/receipt.js';
import type { Receipt } from '../../core/receipt.js';
import type { Reject } from '../../core/records.js';
import { parseOwnNdjson } from '../../formats/ndjson-writer.js';
import type { ProcessInput } from '../tasks.js';
import { HeldFile, openChunk } from './open-chunk.js';
import type { RangeRun } from './range-run.js';
import type { RejectedRecord } from './rejected-reader.js';

/**
 * Makes the run of a range one of those records alone that `base` rejected. What they give is one more part of the range:
 * everything else of it stands, and is neither read nor written again.
 */
export async function mendOnly(run: RangeRun, input: ProcessInput, base: Receipt): Promise<void> {
  const { plan, context, control } = run;
  const byChunk = await rejectedRecords(run, input, base);

  run.chunks = async function* () {
    const held = new HeldFile(context, plan, () => control.check());
    try {
      for (const [index, rejected] of byChunk) {
        control.check();
        yield { ...(await openChunk(held, plan, chunkAt(plan, index))), rejected };
      }
      await held.done();
    } finally {
      await held.close();
    }
  };
  // The records know their places.
  run.origin = () => Promise.resolve({ lines: 0, records: 0 });
  run.covered = () => undefined;
}

/** The receipt of the whole range, from what it was and what became of the records that it had rejected. */
export function mendedReceipt(base: Receipt, { generation, run, attempt, counts, firstReject }: Receipt): Receipt {
  const { rejected, ...before } = base.counts;
  if (counts.in !== rejected) {
    throw new MillraceError(
      'work.corrupt',
      `the rejects of chunks ${base.from}-${base.to} hold ${counts.in} records, wanted ${rejected} as the receipt says; start the job again`,
    );
  }
  return {
    ...base,
    generation,
    run,
    attempt,
    counts: {
      in: before.in,
      used: before.used + counts.used,
      filtered: before.filtered + counts.filtered,
      rejected: counts.rejected,
      out: before.out + counts.out,
    },
    rejects: undefined,
    firstReject,
  };
}

/** By chunk, in the order of the source. */
async function rejectedRecords(
  { context: { work } }: RangeRun,
  { retry }: ProcessInput,
  base: Receipt,
): Promise<Map<number, RejectedRecord[]>> {
  const byChunk = new Map<number, RejectedRecord[]>();
  for (const reject of linesOf<Reject>(await work.read(base.rejects!.key))) {
    const records = byChunk.get(reject.chunk) ?? [];
    records.push({ reject, from: 'source' });
    byChunk.set(reject.chunk, records);
  }
  const prefix = retry?.corrections;
  if (prefix === undefined) return byChunk;
  for (const [chunk, records] of byChunk) {
    const text = await work.tryRead(keys.correction(prefix, chunk));
    const corrected = new Map(text ? linesOf<Reject>(text).map((reject) => [placeOf(reject), reject.raw]) : []);
    for (const record of records) {
      const { reject } = record;
      const raw = corrected.get(placeOf(reject));
      // A text that came back as it was may be a cut one.
      record.from = raw === undefined ? 'nowhere' : raw === reject.raw ? 'source' : { text: raw };
    }
  }
  return byChunk;
}

/** What tells the rejects of one chunk apart. */
function placeOf({ offset, record }: Reject): number {
  return offset ?? record!;
}

function linesOf<T>(text: Buffer): T[] {
  return parseOwnNdjson(text.toString()) as T[];
}
