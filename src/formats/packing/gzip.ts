import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { MillraceError } from '../../core/errors.js';
import type { Blocks, Consumed } from './blocks.js';

const BLOCK_BYTES = 256 * 1024;
/** How much was read for a text is known in such pieces: small ones first, by which a bomb is told before much of it is unpacked. */
const FIRST_PIECE_BYTES = 4 * 1024;
const PIECE_BYTES = 64 * 1024;

/** All members of a gzip file, one behind the other. What lies behind the last is a fault, of which zlib says nothing. */
export async function* gunzipped(
  blocks: Blocks,
  consumed: Consumed,
  named: (message: string) => string,
): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: BLOCK_BYTES });
  const input = Readable.from(pieces(blocks), { highWaterMark: 1 });
  // A fault of the source is the fault of what is read from it.
  input.on('error', (error) => gunzip.destroy(error));
  input.pipe(gunzip);
  try {
    for await (const block of gunzip) {
      // What was read ahead is not unpacked yet.
      consumed.bytes = gunzip.bytesWritten;
      yield block as Buffer;
    }
  } catch (error) {
    throw gzipFault(error as NodeJS.ErrnoException, named);
  } finally {
    input.destroy();
    gunzip.destroy();
  }
  const behind = consumed.delivered - gunzip.bytesWritten;
  if (behind === 0) return;
  throw new MillraceError(
    'source.corrupt_gzip',
    named(`has ${behind} bytes behind the end of its gzip data; cut them off, or pack it again`),
  );
}

async function* pieces(blocks: Blocks): AsyncGenerator<Buffer> {
  let read = 0;
  for await (const block of blocks) {
    for (let at = 0; at < block.length;) {
      const size = read < 4 * PIECE_BYTES ? FIRST_PIECE_BYTES : PIECE_BYTES;
      const piece = block.subarray(at, at + size);
      yield piece;
      at += piece.length;
      read += piece.length;
    }
  }
}

/** What zlib says, as ours. */
export function gzipFault(error: NodeJS.ErrnoException, named: (message: string) => string): unknown {
  if (error.code === 'Z_BUF_ERROR') {
    return new MillraceError('source.truncated', named('ends in the middle of its gzip data; copy it again'), {
      cause: error,
    });
  }
  if (!error.code?.startsWith('Z_') && error.code !== 'ERR_BUFFER_TOO_LARGE') return error;
  return new MillraceError('source.corrupt_gzip', named(`is no sound gzip data: ${error.message}; copy it again`), {
    cause: error,
  });
}
