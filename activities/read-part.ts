import { MillraceError } from '../src/core/errors.js';
import type { PartRef } from '../src/core/receipt.js';
import { createDigest, digestKind } from '../src/processors/range/part-digest.js';
import type { TablePiece, WorkArea } from '../src/stores/port.js';

/** A part, or a stretch of one, and where its bytes are. */
export interface StoredPart extends PartRef {
  /** The bytes themselves, where they never touched the work area. */
  inline?: Buffer;
  /** Of a section: where it begins in what lies there. */
  offset?: number;
}

const COPY_BYTES = 4 * 1024 * 1024;

/**
 * The bytes of a part, held against its digest: a part that was damaged since must not reach the output. A block is valid
 * until the next is asked for, which is read meanwhile.
 */
export async function* readPart(work: WorkArea, part: StoredPart, signal: AbortSignal): AsyncGenerator<Buffer> {
  if (part.inline) {
    yield part.inline;
    return;
  }
  const source = await work.open(part.key);
  try {
    const digest = createDigest(digestKind(part.digest));
    const { offset = 0 } = part;
    const end = part.offset === undefined ? source.size : offset + part.bytes;
    const size = Math.min(COPY_BYTES, end - offset);
    const blocks = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)];
    const readAt = (at: number) => {
      const block = source.read(at, Math.min(at + COPY_BYTES, end), blocks[((at - offset) / COPY_BYTES) % 2]);
      // Its failure is met where it is waited for; unheard until then it would end the worker.
      block.catch(() => undefined);
      return block;
    };
    let next = readAt(offset);
    for (let at = offset; at < end; at += COPY_BYTES) {
      signal.throwIfAborted();
      const block = await next;
      next = readAt(at + COPY_BYTES);
      digest.update(block);
      yield block;
    }
    await next;
    if (digest.result() !== part.digest) {
      throw new MillraceError('work.corrupt', `part "${part.key}" is not what its receipt says; start the job again`);
    }
  } finally {
    await source.close();
  }
}

/** A part as a table takes it. */
export function tablePiece(work: WorkArea, part: StoredPart, signal: AbortSignal): TablePiece {
  const columns = part.columns.map(({ name }) => name);
  return { columns, records: part.records, blocks: readPart(work, part, signal) };
}
