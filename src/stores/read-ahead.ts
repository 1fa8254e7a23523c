import { collectYoung } from './collect-young.js';
import type { ByteSource } from './port.js';

/** What is read in order is asked for ahead in pieces that grow: each request costs, and so does what nobody reads in the end. */
const FIRST_BYTES = 1024 * 1024;
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * Memory for pieces, of this thread. It lies outside of the heap, and for each new stretch of it the garbage collector runs: that
 * took more time than the network. So what has been read is used again.
 */
const spare: Buffer[] = [];
const MOST_SPARE = 4;

/** A stretch of a source that was asked for. */
class Piece {
  readonly bytes: Promise<Buffer>;
  private memory: Buffer | null;
  private isHere = false;
  private isDropped = false;
  private readers = 0;

  constructor(
    readonly start: number,
    readonly end: number,
    fetchRange: FetchRange,
  ) {
    this.memory = spare.pop() ?? Buffer.allocUnsafeSlow(MOST_BYTES);
    const into = this.memory.subarray(0, end - start);
    this.bytes = fetchRange(start, into).then(() => into);
    this.bytes.then(
      () => {
        this.isHere = true;
        this.giveBack();
      },
      // A fault is told to who reads it; nobody may. Who knows what still writes there: the memory is not used again.
      () => (this.memory = null),
    );
  }

  has(at: number): boolean {
    return this.start <= at && at < this.end;
  }

  /** Copies from `at` on as much as is here and fits. @returns the bytes that were copied */
  async copy(at: number, into: Buffer): Promise<number> {
    this.readers++;
    try {
      return (await this.bytes).copy(into, 0, at - this.start);
    } finally {
      this.readers--;
      this.giveBack();
    }
  }

  /** Nobody asks for it any more. */
  drop(): void {
    this.isDropped = true;
    this.giveBack();
    collectYoung();
  }

  private giveBack(): void {
    if (!this.memory || !this.isHere || !this.isDropped || this.readers > 0) return;
    if (spare.length < MOST_SPARE) spare.push(this.memory);
    this.memory = null;
  }
}

/** Fills the buffer with the bytes from `start`, or throws. */
type FetchRange = (start: number, into: Buffer) => Promise<void>;

/**
 * Reads over a network, where a way costs more than the bytes of it: what is read in order is asked for before it is wanted.
 * @param until nothing behind this byte is asked for before it is wanted
 */
export function readAhead(size: number, fetchRange: FetchRange, until = size): Pick<ByteSource, 'read' | 'close'> {
  /** Neighbours, in order: the one that is read, and the one behind it. */
  let pieces: Piece[] = [];
  let former = { start: -1, end: -1 };

  function ask(start: number): void {
    const before = pieces.at(-1);
    const wanted = before ? Math.min(2 * (before.end - before.start), MOST_BYTES) : FIRST_BYTES;
    const end = Math.min(start + wanted, size, until);
    if (end > start) pieces.push(new Piece(start, end, fetchRange));
  }

  function keep(isKept: (piece: Piece) => boolean): void {
    for (const piece of pieces) if (!isKept(piece)) piece.drop();
    pieces = pieces.filter(isKept);
  }

  return {
    async read(start, end, into) {
      const last = Math.min(end, size);
      const wanted = Math.max(0, last - start);
      const out = into && into.length >= wanted ? into.subarray(0, wanted) : Buffer.allocUnsafeSlow(wanted);
      // Who reads records begins anew at the last one that was cut off.
      const isNext = start > former.start && start <= former.end;
      former = { start, end: last };
      keep((piece) => isNext && piece.end > start);
      for (let at = start; at < last;) {
        if (isNext && !pieces.some((piece) => piece.has(at))) {
          keep(() => false);
          ask(at);
        }
        const piece = pieces.find((one) => one.has(at));
        if (!piece) {
          await fetchRange(at, out.subarray(at - start));
          break;
        }
        if (piece === pieces.at(-1)) ask(piece.end);
        at += await piece.copy(at, out.subarray(at - start));
      }
      return out;
    },

    close() {
      keep(() => false);
      return Promise.resolve();
    },
  };
}
