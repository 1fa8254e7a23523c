import { randomUUID } from 'node:crypto';
import { readFile, rm, unlink } from 'node:fs/promises';
import { Context } from '@temporalio/activity';
import type { InlineReceipt, RangeResult } from '../src/contract.js';
import type { RangeInput } from '../src/core/plan.js';
import { MillraceError } from '../src/core/errors.js';
import { NO_TOTALS } from '../src/core/progress.js';
import { keys, resultOf } from '../src/core/receipt.js';
import type { PartRef, Receipt } from '../src/core/receipt.js';
import { PROCESSOR_BUSY } from '../src/processors/range/apply.js';
import type { ProcessOutput, StagedPart } from '../src/processors/tasks.js';
import type { WorkArea } from '../src/stores/port.js';
import { isForked, runAttempt } from './attempt.js';
import type { Dependencies } from './dependencies.js';
import { loadRange } from './load-range.js';
import { rangeTask } from './retry-range.js';
import type { RangeTask } from './retry-range.js';

/** Output of a small job up to this size travels in the result, and nothing is written before the commit. */
const INLINE_PART_BYTES = 32 * 1024;
/** Each is named in the receipt, which travels too. */
const INLINE_SECTIONS = 50;

/** Runs a range of chunks and publishes its receipt, and its rows too where they are to be seen at once. */
export async function processChunks(dependencies: Dependencies, asked: RangeInput): Promise<RangeResult> {
  const end = await runRange(dependencies, asked);
  if (!('receipt' in end)) return end;
  const { receipt, inline } = end;
  // The rows of a small job are with its commit.
  if (asked.loads && !inline && !receipt.failed) {
    try {
      await loadRange(dependencies, asked, receipt);
    } catch (error) {
      if (Context.current().cancellationDetails?.workerShutdown) return HANDED_BACK;
      throw error;
    }
  }
  return { ...resultOf(receipt), ...(inline && { inline }) };
}

const HANDED_BACK: RangeResult = { ...NO_TOTALS, handedBack: true };

/** What there is of a range that is done. */
interface Done {
  receipt: Receipt;
  inline?: InlineReceipt;
}

async function runRange({ work, pool }: Dependencies, asked: RangeInput): Promise<Done | RangeResult> {
  const { inline, retry } = asked;
  const left = retry && !inline ? await rangeTask(work, { ...asked, retry }) : { task: asked };
  if (left === 'halved') return { ...NO_TOTALS, halved: true };
  if ('done' in left) return { receipt: left.done };
  const input: RangeTask = left.task;
  if (!inline) {
    const known = await work.tryRead(keys.receipt(input.job, input));
    if (known) return { receipt: JSON.parse(known.toString()) as Receipt };
  }

  let output: ProcessOutput;
  try {
    output = await runAttempt(pool, input);
  } catch (error) {
    // No failure either: a chunk must not run out of attempts because workers are deployed anew.
    // But one that has lost a thread must not begin anew in another: what it has learned goes from attempt to attempt.
    const leaving = Context.current().cancellationDetails?.workerShutdown && !isForked();
    if (leaving) return HANDED_BACK;
    if (!(error instanceof MillraceError) || error.code !== PROCESSOR_BUSY) throw error;
    // No failure: how often it may be refused is for the job to judge, which sees all of its chunks.
    const { message, retryAfterMs } = error;
    return { ...NO_TOTALS, busy: { message, retryAfterMs } };
  }

  try {
    return await publish(work, input, output);
  } catch (error) {
    for (const file of [output.part, output.rejects]) if (file) await rm(file.path, { force: true });
    throw error;
  }
}

async function publish(work: WorkArea, input: RangeTask, output: ProcessOutput): Promise<Done> {
  const { job, from, generation } = input;
  const { receipt, part, rejects } = output;
  receipt.endedAt = new Date().toISOString();
  const receiptKey = keys.receipt(job, input);
  const unique = randomUUID();
  // Where a record was rejected there may be a retry, and that begins with what is on disk.
  const small = (part?.bytes ?? 0) <= INLINE_PART_BYTES && (part?.sections ?? []).length <= INLINE_SECTIONS;
  const travels = input.inline && receipt.counts.rejected === 0 && small;
  const partKey = travels ? '' : keys.part(job, from, generation, unique, 'part');
  if (part) {
    const made = { ...partRef(part), key: partKey };
    if (input.mend) receipt.mended = [...(receipt.mended ?? []), made];
    else receipt.part = made;
  }
  if (travels) return { receipt, inline: await takeInline(output) };

  // The fence: an attempt that was given up meanwhile must not publish. If it slips through here the receipt decides.
  Context.current().cancellationSignal.throwIfAborted();
  if (input.inline) await work.publish(keys.plan(job), JSON.stringify(input.inline));
  if (part) await work.publishFile(partKey, part.path);
  if (rejects) {
    const key = keys.rejectsOf(job, from, generation, unique);
    await work.publishFile(key, rejects.path);
    receipt.rejects = { key, records: receipt.counts.rejected };
  }
  if (await work.publish(receiptKey, JSON.stringify(receipt))) return { receipt };

  // Another attempt was first; ours was never visible.
  if (part) await work.remove(partKey);
  if (receipt.rejects) await work.remove(receipt.rejects.key);
  return { receipt: JSON.parse((await work.read(receiptKey)).toString()) as Receipt };
}

function partRef({ path: _path, ...part }: StagedPart): Omit<PartRef, 'key'> {
  return part;
}

async function takeInline({ receipt, part }: ProcessOutput): Promise<InlineReceipt> {
  if (!part) return { receipt };
  const bytes = await readFile(part.path);
  await unlink(part.path);
  return { receipt, part: bytes.toString('base64') };
}
