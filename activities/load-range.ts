import { Context } from '@temporalio/activity';
import type { InlineReceipt, RangeBeat } from '../src/contract.js';
import type { Plan, RangeInput } from '../src/core/plan.js';
import { partsOf } from '../src/core/receipt.js';
import type { Receipt } from '../src/core/receipt.js';
import { rangeOf } from '../src/core/window.js';
import type { RangeLoad, WorkArea } from '../src/stores/port.js';
import { tablesOf } from './copy-source.js';
import type { Dependencies } from './dependencies.js';
import { withHeartbeats } from './heartbeats.js';
import { tablePiece } from './read-part.js';
import { readPlan } from './read-plan.js';
import { currentReceipt } from './receipts.js';

/** Of the time of an attempt, how much may go by until it leaves the ranges behind its own to the commit. */
const TIME_SHARE = 1 / 2;

/**
 * Puts what a range gave into the table of the sink (`sink.visible: perChunk`). Text whose begin was guessed waits for the range
 * before it, for the guess may be wrong; whoever loads that one goes on with those that waited. What is left is loaded by the commit.
 */
export async function loadRange(dependencies: Dependencies, input: RangeInput, receipt: Receipt): Promise<void> {
  const { work } = dependencies;
  const { job, from, to } = input;
  const plan = await readPlan(work, input);
  const { startToCloseTimeoutMs, currentAttemptScheduledTimestampMs: begun } = Context.current().info;
  const generation = input.retry?.run ?? 0;
  const beat: RangeBeat = { from, to };
  await withHeartbeats(
    async (signal) => {
      for (let next: Receipt | null = receipt; next && !mayChange(next); next = await waitingBehind(next)) {
        if (!(await tablesOf(dependencies).loadRange(rangeLoad(work, plan, next, { generation, signal })))) return;
        if (Date.now() > begun + startToCloseTimeoutMs * TIME_SHARE) return;
      }
    },
    () => beat,
  );

  /** The range that begins where this one ends, where it is done and had to wait. */
  async function waitingBehind(before: Receipt): Promise<Receipt | null> {
    if (before.spans.length === 0 || before.to >= plan.chunkCount) return null;
    // Its own rest where its time was up, else the next one as it was planned. Halves are left to the commit.
    const { to: end } = rangeOf(plan, Math.floor(before.to / plan.chunksPerActivity));
    const behind = await currentReceipt(work, { job, from: before.to, to: end });
    return behind && !behind.failed && !isSure(plan, behind) ? behind : null;
  }
}

/** Whether a range begins at a record, whatever the others are. Another generation begins where its neighbour ended, which may have been wrong too. */
function isSure({ files }: Plan, { guessed, generation, spans: [first] }: Receipt): boolean {
  return !first || (!guessed && generation === 0) || first.first === files[first.file]!.dataStart;
}

/** Where rejected records were not kept a retry runs the whole range again, and may get other rows. */
function mayChange({ counts, rejects }: Receipt): boolean {
  return counts.rejected > 0 && !rejects;
}

/** A range on its way into the table of the sink. */
export function rangeLoad(
  work: WorkArea,
  plan: Plan,
  receipt: Receipt,
  { generation, signal, inline }: { generation: number; signal: AbortSignal; inline?: InlineReceipt },
): RangeLoad {
  const { from, to, spans } = receipt;
  const { uri, table } = plan.spec.sink!;
  const { ifExists, upsert } = table!;
  const [first, last] = [spans[0], spans.at(-1)];
  const bytes = inline?.part === undefined ? undefined : Buffer.from(inline.part, 'base64');
  const parts = partsOf(receipt).map((part) => ({ ...part, inline: bytes }));
  // There in any case, also where no record gave anything: what stands behind it waits for it.
  const own = receipt.part ? [] : [{ columns: [], records: 0, digest: 'none', blocks: nothing() }];
  return {
    uri,
    job: plan.job,
    generation,
    columns: parts.find(({ columns }) => columns.length > 0)?.columns ?? [],
    ifExists: ifExists === 'append' ? 'append' : 'error',
    upsert,
    from,
    to,
    planned: from - (from % plan.chunksPerActivity),
    pieces: [...own, ...parts.map((part) => ({ ...tablePiece(work, part, signal), digest: part.digest }))],
    follows: isSure(plan, receipt) ? undefined : { file: first!.file, at: first!.first },
    ends: last && { file: last.file, at: last.end },
    signal,
  };
}

async function* nothing(): AsyncGenerator<Buffer> {
  // Of no blocks.
}
