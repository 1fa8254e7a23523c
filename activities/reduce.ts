import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { Context } from '@temporalio/activity';
import type { ReduceInput } from '../src/contract.js';
import { keys, partsOf } from '../src/core/receipt.js';
import type { PartRef } from '../src/core/receipt.js';
import type { Dependencies } from './dependencies.js';
import { withHeartbeats } from './heartbeats.js';
import { currentLane } from './lane.js';
import { withLocalParts } from './local-parts.js';
import { readReceipts } from './receipts.js';

/** The step over all partials, in source order. Runs once a run: the first attempt to publish wins. */
export async function reduce({ work, pool }: Dependencies, { job, run }: ReduceInput): Promise<number> {
  const reduced = keys.reduced(job, run);
  const known = await work.tryRead(reduced);
  if (known) return (JSON.parse(known.toString()) as PartRef).bytes;

  const receipts = await readReceipts(work, job);
  const parts = receipts.flatMap((receipt) => partsOf(receipt).map(({ key }) => key));
  const lane = currentLane();
  const part = await withHeartbeats((signal) =>
    withLocalParts(work, parts, (partials) => pool.run('reduce', { job, partials }, { signal, lane })),
  );

  const { path, ...ref } = part;
  if (Context.current().cancellationSignal.aborted) await rm(path, { force: true });
  Context.current().cancellationSignal.throwIfAborted();
  const key = keys.part(job, 0, 0, `reduced-${randomUUID()}`, 'part');
  await work.publishFile(key, path);
  const made: PartRef = { ...ref, key };
  if (await work.publish(reduced, JSON.stringify(made))) return made.bytes;
  await work.remove(key);
  return (JSON.parse((await work.read(reduced)).toString()) as PartRef).bytes;
}
