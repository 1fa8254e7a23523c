import type { ByteSource } from './port.js';

/** What is read in order is asked for ahead in pieces that grow: each request costs, and so does what nobody reads in the end. */
const FIRST_BYTES = 1024 * 1024;
const MOST_BYTES = 4 * 1024 * 1024;

interface Piece {
  start: number;
  end: number;
  bytes: Promise<Buffer>;
}

/**
 * Reads over a network, where a way costs more than the bytes of it: what is read in order is asked for before it is wanted.
 * @param fetchRange fills the buffer with the bytes from `start`, or throws
 */
export function readAhead(
  size: number,
  fetchRange: (start: number, into: Buffer) => Promise<void>,
): Pick<ByteSource, 'read'> {
  /** Neighbours, in order: the one that is read, and the one behind it. */
  let pieces: Piece[] = [];
  let former = { start: -1, end: -1 };

  function ask(start: number): void {
    if (start >= size) return;
    const before = pieces.at(-1);
    const wanted = before ? Math.min(2 * (before.end - before.start), MOST_BYTES) : FIRST_BYTES;
    const end = Math.min(start + wanted, size);
    const into = Buffer.allocUnsafeSlow(end - start);
    const bytes = fetchRange(start, into).then(() => into);
    // A fault is told to who reads it; nobody may.
    bytes.catch(() => undefined);
    pieces.push({ start, end, bytes });
  }

  return {
    async read(start, end, into) {
      const last = Math.min(end, size);
      const wanted = Math.max(0, last - start);
      const out = into && into.length >= wanted ? into.subarray(0, wanted) : Buffer.allocUnsafeSlow(wanted);
      // Who reads records begins anew at the last one that was cut off.
      const isNext = start > former.start && start <= former.end;
      former = { start, end: last };
      pieces = isNext ? pieces.filter((piece) => piece.end > start) : [];
      if (!isNext) {
        if (wanted > 0) await fetchRange(start, out);
        return out;
      }
      for (let at = start; at < last;) {
        if (!pieces.some((piece) => piece.start <= at && at < piece.end)) {
          pieces = [];
          ask(at);
        }
        const piece = pieces.find((one) => one.start <= at && at < one.end)!;
        if (piece === pieces.at(-1)) ask(piece.end);
        const bytes = await piece.bytes;
        at += bytes.copy(out, at - start, at - piece.start, last - piece.start);
      }
      return out;
    },
  };
}

/**
 * Fills a buffer with what a stream brings.
 * @returns how many bytes came; more than fit are counted and not kept
 */
export async function readInto(stream: AsyncIterable<Buffer>, into: Buffer): Promise<number> {
  let bytes = 0;
  for await (const block of stream) {
    if (bytes < into.length) block.copy(into, bytes);
    bytes += block.length;
  }
  return bytes;
}
