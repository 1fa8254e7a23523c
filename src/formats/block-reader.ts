import type { ByteSource } from '../stores/port.js';

/** Memory for long records, of this thread: who is done with it leaves it to the next, for fresh memory lies about until it is collected. */
let spare: Buffer | null = null;
const LONG_BYTES = 1024 * 1024;

/** What settles whether the line end or the closing quote of a record was just missing. */
const TO_BE_SURE = 2;

/** Block after block, read into the same memory, which grows as it must: fresh memory for each costs as much as reading it. */
export class BlockReader {
  private memory: Buffer = Buffer.alloc(0);

  constructor(private readonly source: ByteSource) {}

  /** @returns good until the next is read */
  read(start: number, end: number): Promise<Buffer> {
    const length = Math.min(end, this.source.size) - start;
    if (this.memory.length < length) {
      this.done();
      this.memory = length > LONG_BYTES && spare && spare.length >= length ? spare : Buffer.allocUnsafeSlow(length);
      if (this.memory === spare) spare = null;
    }
    return this.source.read(start, end, this.memory);
  }

  /** Nobody looks at what was read any more. */
  done(): void {
    if (this.memory.length > Math.max(LONG_BYTES, spare?.length ?? 0)) spare = this.memory;
    this.memory = Buffer.alloc(0);
  }
}

/** How much to read of a record that did not end within `length`: no more than it takes to know that it is too long. */
export function moreThan(length: number, blockBytes: number, maxRecordBytes: number): number {
  return Math.min(length * 4, maxRecordBytes + TO_BE_SURE) + blockBytes;
}
