import type { ByteSource } from '../stores/port.js';
import { BlockReader } from './block-reader.js';
import { newlineFrom } from './lines.js';
import type { TextRange } from './reader.js';

const BLOCK_BYTES = 4 * 1024 * 1024;

/**
 * Copies exactly the lines that begin in the range, as they stand.
 * @returns the same span that `ndjsonRangeReader` finds for this range
 */
export async function copyNdjsonRange(
  source: ByteSource,
  range: TextRange,
  write: (bytes: Buffer) => Promise<void> | void,
): Promise<{ first: number; end: number }> {
  const stop = Math.min(range.end, source.size);
  // A line begins at a byte whose neighbour before it ends a line: so the search starts one byte early.
  const first = range.exact ? range.start : await lineStart(source, range.start - 1);
  // `write` is done with the bytes before the next are read.
  const blocks = new BlockReader(source);
  let position = first;
  while (position < stop) {
    const block = await blocks.read(position, Math.min(position + BLOCK_BYTES, stop));
    if (block.length === 0) break;
    await write(block);
    position += block.length;
  }
  blocks.done();
  if (position <= first) return { first, end: first };
  const end = await lineStart(source, position - 1);
  if (end > position) await write(await source.read(position, end));
  return { first, end };
}

/** The byte after the first `\n` at or after `from`; the size where there is none. */
async function lineStart(source: ByteSource, from: number): Promise<number> {
  const newline = await newlineFrom(source, Math.max(0, from), source.size);
  return newline < 0 ? source.size : newline + 1;
}
