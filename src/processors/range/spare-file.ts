import { existsSync, renameSync, statSync } from 'node:fs';
import type { ThreadContext } from './context.js';

/** A bigger one is given up, so that a thread never holds more of the disk than this for nothing. */
const MAX_BYTES = 128 * 1024 * 1024;

/**
 * One file of a thread that serves slice after slice: overwriting blocks that are in memory costs half of filling a new file,
 * and nothing for removing it. It waits outside of the folder that SQL may read, and each slice gets a name of its own.
 */
const spareOf = ({ scratch }: ThreadContext): string => `${scratch}.spare`;

/** @returns false where there is none: then the file has to be made */
export function takeSpare(context: ThreadContext, path: string): boolean {
  const spare = spareOf(context);
  // A task process ends with its task.
  if (context.trace || !existsSync(spare)) return false;
  renameSync(spare, path);
  return true;
}

/** The file is needed no more. What is not kept goes with the folder it lies in. */
export function keepSpare(context: ThreadContext, path: string): void {
  if (!context.trace && statSync(path).size <= MAX_BYTES) renameSync(path, spareOf(context));
}
