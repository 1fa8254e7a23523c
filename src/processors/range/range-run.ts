import type { Plan } from '../../core/plan.js';
import { chunkAt, hasColumns, isOneChunk, textBytes } from '../../core/plan.js';
import type { Receipt, ReceiptSpan } from '../../core/receipt.js';
import { NO_COUNTS } from '../../core/records.js';
import { isOneRange } from '../../core/part-format.js';
import { countLines } from '../../formats/lines.js';
import type { RangeReader } from '../../formats/reader.js';
import { recordCheck } from '../../schema/record-schema.js';
import type { TaskControl } from '../control.js';
import type { ProcessInput, StagedPart } from '../tasks.js';
import type { ThreadContext } from './context.js';
import { checkedReader } from './checked-reader.js';
import { HeldFile, labelOf, openChunk, readChunk } from './open-chunk.js';
import type { OpenChunk } from './open-chunk.js';
import { RejectLog } from './reject-log.js';
import type { Origin } from './reject-log.js';

/** How the thread that runs a task is asked to stop, and tells how far it is. */
export interface Task {
  control: TaskControl;
  signal: AbortSignal;
}

/** What a range is being made into; the two kinds of processor fill it in. */
export interface RangeRun {
  plan: Plan;
  context: ThreadContext;
  control: TaskControl;
  /** Aborted when the task is asked to stop. */
  signal: AbortSignal;
  /** Records a second that the processor may be given; absent: as many as it takes. */
  recordsPerSecond?: number;
  receipt: Receipt;
  rejects: RejectLog;
  /** Only the records are run that a former run of the range rejected. */
  mending: boolean;
  /** The chunks in order, one at a time. The true end of each is told to `covered` before the next is opened. */
  chunks(): AsyncGenerator<OpenChunk>;
  /** The records of an open chunk. */
  read(open: OpenChunk): Promise<RangeReader>;
  /** Where the records of an open chunk are counted from: see `Reject.line`. */
  origin(open: OpenChunk): Promise<Origin>;
  /** Tells what was read of the chunk at hand. */
  covered(open: OpenChunk, span: { first: number; end: number } | null, lines: number | null, records: number): void;
}

/** Makes the run of the chunks `[from, to)`. */
export async function newRun(
  context: ThreadContext,
  plan: Plan,
  input: ProcessInput,
  control: TaskControl,
  signal: AbortSignal,
): Promise<RangeRun> {
  const { from, to, asked, generation, attempt, start, retry, patienceMs = Infinity, endBy = Infinity, stopAt } = input;
  const until = Math.min(Date.now() + patienceMs, endBy);
  const keepsRejects = plan.spec.options.rejects.action === 'quarantine';
  const receipt: Receipt = {
    version: 1,
    from,
    to,
    asked,
    generation,
    attempt,
    run: retry?.run,
    counts: { ...NO_COUNTS },
    bytes: 0,
    guessed: false,
    spans: [],
  };
  const { schema } = plan.spec.source;
  const check = schema && recordCheck(schema, { nullIsAbsent: hasColumns(plan) });
  const run: RangeRun = {
    plan,
    context,
    control,
    signal,
    recordsPerSecond: input.recordsPerSecond,
    receipt,
    mending: input.mend !== undefined,
    rejects: new RejectLog(keepsRejects ? await context.work.scratchFile('rejects') : null),

    async *chunks() {
      const held = new HeldFile(context, plan, () => control.check(), to);
      try {
        let known = start;
        for (let index = from; index < to; index++) {
          control.check();
          const open = await openChunk(held, plan, chunkAt(plan, index), known);
          if (index === from && open.range && !open.range.exact) receipt.guessed = true;
          yield open;
          if (index + 1 < to && (index + 1 === stopAt || Date.now() >= until)) {
            receipt.to = index + 1;
            receipt.asked = to;
            break;
          }
          const span = receipt.spans.at(-1);
          // Within a range the next chunk of the same file starts where this one truly ended: nothing to guess.
          const next = index + 1 < to ? chunkAt(plan, index + 1) : null;
          const sameFile = span && next?.kind === 'bytes' && next.file === span.file;
          known = sameFile ? span.end : undefined;
        }
        await held.done();
      } finally {
        await held.close();
      }
    },

    async read(open) {
      const reader = await readChunk(context, plan, open);
      return check
        ? checkedReader(reader, check, { source: labelOf(plan, open.chunk), chunk: open.chunk.index })
        : reader;
    },

    async origin({ chunk, source, range }) {
      if (chunk.kind === 'items') return { lines: 0, records: chunk.from };
      if (chunk.kind === 'rows') return { lines: 0, records: chunk.firstRow };
      const span = receipt.spans.at(-1);
      if (!span || span.file !== chunk.file) return { lines: 0, records: 0 };
      const lines = span.lines ?? (await countLines(source!, span.first, range!.start));
      span.lines = lines;
      return { lines, records: span.records };
    },

    covered({ chunk }, span, lines, records) {
      if (chunk.kind === 'items') return;
      if (chunk.kind === 'rows') {
        const file = plan.files[chunk.file]!;
        const rows = file.rowBorders!.at(-1)!;
        receipt.bytes += rows === 0 ? 0 : Math.round((file.size * (chunk.endRow - chunk.firstRow)) / rows);
        return;
      }
      const file = plan.files[chunk.file]!;
      // Of frames by their share, so that it adds up to the size of the file.
      const read = (at: number) => (file.packing ? Math.floor((at / textBytes(file)) * file.size) : at);
      receipt.bytes += isOneChunk(file) ? file.size : read(span!.end) - read(span!.first);
      join(receipt.spans, { file: chunk.file, ...span!, lines, records });
      control.report(receipt.bytes, receipt.counts.used + receipt.counts.filtered + run.rejects.records);
    },
  };
  return run;
}

/**
 * Whether the thread of a range does the step over the partials too: where it is the job's only range. Not where rejected
 * records may come in later, for they are one more partial.
 */
export function reducesAtOnce({ plan, mending, rejects }: RangeRun): boolean {
  return isOneRange(plan) && !mending && !rejects.kept;
}

/** Neighbouring chunks of one file make one span. */
function join(spans: ReceiptSpan[], next: ReceiptSpan): void {
  const last = spans.at(-1);
  if (!last || last.file !== next.file) {
    spans.push(next);
    return;
  }
  last.end = next.end;
  last.lines = last.lines === null || next.lines === null ? null : last.lines + next.lines;
  last.records += next.records;
}

export interface RangeOutput {
  part?: StagedPart;
  /** True when the step over all partials was done too (the job's only range). */
  reduced: boolean;
}
