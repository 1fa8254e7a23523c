import type { ByteSource } from './port.js';

/** What is read in order is asked for ahead in pieces of this size. */
const AHEAD_BYTES = 2 * 1024 * 1024;

/**
 * Reads over a network, where a way costs more than the bytes of it: what is read in order is asked for before it is wanted.
 * @param fetchRange all bytes `[start, end)`, or it throws
 */
export function readAhead(
  size: number,
  fetchRange: (start: number, end: number) => Promise<Buffer>,
): Pick<ByteSource, 'read'> {
  /** The piece that was read last, and the one that is asked for ahead. */
  let piece: { start: number; bytes: Buffer } | null = null;
  let ahead: { start: number; bytes: Promise<Buffer> } | null = null;

  function askAhead(start: number): void {
    if (start >= size) return;
    const bytes = fetchRange(start, Math.min(start + AHEAD_BYTES, size));
    // A fault is told to who reads it; nobody may.
    bytes.catch(() => undefined);
    ahead = { start, bytes };
  }

  async function read(start: number, end: number): Promise<Buffer> {
    const isNext = piece && start >= piece.start && start <= piece.start + piece.bytes.length;
    if (!isNext) {
      const bytes = await fetchRange(start, end);
      piece = { start, bytes };
      return bytes;
    }
    const have = piece!.bytes.subarray(start - piece!.start, end - piece!.start);
    if (have.length === end - start) return have;
    const from = start + have.length;
    if (ahead?.start !== from) askAhead(from);
    const next = await ahead!.bytes;
    piece = { start: from, bytes: next };
    askAhead(from + next.length);
    return Buffer.concat([have, await read(from, end)]);
  }

  return {
    async read(start, end) {
      const last = Math.min(end, size);
      return last <= start ? Buffer.alloc(0) : Buffer.from(await read(start, last));
    },
  };
}
