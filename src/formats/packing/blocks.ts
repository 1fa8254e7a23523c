/** Blocks of bytes, in order. Each is the receiver's own. */
export type Blocks = AsyncIterable<Buffer>;

/** Bytes at hand as the only block. */
export async function* blockOf(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** How much of a packed file was unpacked so far, and how much was read for it. */
export interface Consumed {
  bytes: number;
  delivered: number;
}
