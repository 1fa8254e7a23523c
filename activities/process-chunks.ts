import { randomUUID } from 'node:crypto';
import { readFile, rm, unlink } from 'node:fs/promises';
import { Context } from '@temporalio/activity';
import type { InlineReceipt, RangeResult } from '../src/contract.js';
import type { RangeInput } from '../src/core/plan.js';
import { MillraceError } from '../src/core/errors.js';
import { NO_TOTALS } from '../src/core/progress.js';
import { keys, totalsOf } from '../src/core/receipt.js';
import type { PartRef, Receipt } from '../src/core/receipt.js';
import { PROCESSOR_BUSY } from '../src/processors/range/apply.js';
import type { ProcessOutput, StagedPart } from '../src/processors/tasks.js';
import type { WorkArea } from '../src/stores/port.js';
import { isForked, runAttempt } from './attempt.js';
import type { Dependencies } from './dependencies.js';

/** Output of a small job up to this size travels in the result, and nothing is written before the commit. */
const INLINE_PART_BYTES = 32 * 1024;

/** Runs a range of chunks and publishes its receipt. */
export async function processChunks({ work, pool }: Dependencies, input: RangeInput): Promise<RangeResult> {
  const { job, from, to, generation } = input;
  const receiptKey = keys.receipt(job, from, to, generation);
  if (!input.inline) {
    const known = await work.tryRead(receiptKey);
    if (known) return resultOf(known);
  }

  let output: ProcessOutput;
  try {
    output = await runAttempt(pool, input);
  } catch (error) {
    // No failure either: a chunk must not run out of attempts because workers are deployed anew.
    // But one that has lost a thread must not begin anew in another: what it has learned goes from attempt to attempt.
    const leaving = Context.current().cancellationDetails?.workerShutdown && !isForked();
    if (leaving) return { ...NO_TOTALS, handedBack: true };
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

async function publish(work: WorkArea, input: RangeInput, output: ProcessOutput): Promise<RangeResult> {
  const { job, from, to, generation } = input;
  const { receipt, part, rejects } = output;
  const receiptKey = keys.receipt(job, from, to, generation);
  if (part) receipt.part = { ...partRef(part), key: '' };
  const result = { ...totalsOf(receipt), reduced: receipt.reduced };
  const small = (part?.bytes ?? 0) + (rejects?.bytes ?? 0) <= INLINE_PART_BYTES;
  if (input.inline && small) return { ...result, inline: await takeInline(output) };

  // The fence: an attempt that was given up meanwhile must not publish. If it slips through here the receipt decides.
  Context.current().cancellationSignal.throwIfAborted();
  const unique = randomUUID();
  if (part) {
    const key = keys.part(job, from, generation, unique, 'part');
    await work.publishFile(key, part.path);
    receipt.part = { ...partRef(part), key };
  }
  if (rejects) {
    const key = keys.rejectsOf(job, from, generation, unique);
    await work.publishFile(key, rejects.path);
    receipt.rejects = { key, records: receipt.counts.rejected };
  }
  if (await work.publish(receiptKey, JSON.stringify(receipt))) return result;

  // Another attempt was first; ours was never visible.
  if (receipt.part) await work.remove(receipt.part.key);
  if (receipt.rejects) await work.remove(receipt.rejects.key);
  return resultOf(await work.read(receiptKey));
}

function resultOf(published: Buffer): RangeResult {
  const receipt = JSON.parse(published.toString()) as Receipt;
  return { ...totalsOf(receipt), reduced: receipt.reduced };
}

function partRef({ bytes, records, digest, columns }: StagedPart): Omit<PartRef, 'key'> {
  return { bytes, records, digest, columns };
}

async function takeInline({ receipt, part, rejects }: ProcessOutput): Promise<InlineReceipt> {
  const take = async (path: string) => {
    const bytes = await readFile(path);
    await unlink(path);
    return bytes.toString('base64');
  };
  return {
    receipt,
    part: part && (await take(part.path)),
    rejects: rejects && (await take(rejects.path)),
  };
}
