import type { ByteSource } from '../stores/port.js';
import { BlockReader } from './block-reader.js';
import { CR, LF } from './csv-scan.js';

const FIRST_BYTES = 64 * 1024;
const BLOCK_BYTES = 1024 * 1024;

/**
 * The first line end (`\n`, `\r\n`, `\r`) at or after `from`, whatever quotes stand around it.
 * @returns the byte after it, and whether there was one; without one, the size of the source
 */
export async function lineEndAfter(source: ByteSource, from: number): Promise<{ next: number; found: boolean }> {
  const blocks = new BlockReader(source);
  for (let at = from; at < source.size;) {
    const block = await blocks.read(at, at + (at === from ? FIRST_BYTES : BLOCK_BYTES));
    if (block.length === 0) break;
    const lf = block.indexOf(LF);
    const head = lf < 0 ? block : block.subarray(0, lf);
    const cr = head.indexOf(CR);
    if (cr >= 0) {
      const after = at + cr + 1;
      const following = cr + 1 < block.length ? block[cr + 1] : (await source.read(after, after + 1))[0];
      return { next: following === LF ? after + 1 : after, found: true };
    }
    if (lf >= 0) return { next: at + lf + 1, found: true };
    at += block.length;
  }
  return { next: source.size, found: false };
}

/** The offset of the first `\n` in `[from, to)`, or -1. */
export async function newlineFrom(source: ByteSource, from: number, to: number): Promise<number> {
  const blocks = new BlockReader(source);
  for (let at = from; at < to;) {
    const block = await blocks.read(at, Math.min(at + (at === from ? FIRST_BYTES : BLOCK_BYTES), to));
    if (block.length === 0) break;
    const found = block.indexOf(LF);
    if (found >= 0) return at + found;
    at += block.length;
  }
  return -1;
}

/** How many line ends (`\n`, `\r\n`, `\r`) lie in `[start, end)`. A `\r\n` cut by `start` counts for its `\n`. */
export async function countLines(source: ByteSource, start: number, end: number): Promise<number> {
  let lines = 0;
  let afterCr = false;
  const blocks = new BlockReader(source);
  for (let at = start; at < end;) {
    const block = await blocks.read(at, Math.min(at + BLOCK_BYTES, end));
    if (block.length === 0) break;
    if (!afterCr && block.indexOf(CR) < 0) {
      for (let i = 0; i < block.length; i++) if (block[i] === LF) lines++;
      at += block.length;
      continue;
    }
    for (let i = 0; i < block.length; i++) {
      const byte = block[i]!;
      if (byte === LF) {
        if (!afterCr) lines++;
        afterCr = false;
      } else if (byte === CR) {
        lines++;
        afterCr = true;
      } else afterCr = false;
    }
    at += block.length;
  }
  return lines;
}
