import { Decompress } from 'fzstd';
import { MillraceError, messageOf } from '../../core/errors.js';
import type { Blocks } from './blocks.js';

/** All frames of a Zstandard file, one behind the other. */
export async function* unzstd(blocks: Blocks, named: (message: string) => string): AsyncGenerator<Buffer> {
  let ready: Buffer[] = [];
  const decompress = new Decompress((data) => ready.push(Buffer.from(data)));
  const push = (block: Uint8Array, last: boolean) => {
    try {
      decompress.push(block, last);
    } catch (error) {
      throw faultOf(error, named);
    }
    const some = ready.filter(({ length }) => length > 0);
    ready = [];
    return some;
  };
  for await (const block of blocks) yield* push(block, false);
  yield* push(new Uint8Array(0), true);
}

function faultOf(error: unknown, named: (message: string) => string): MillraceError {
  const said = messageOf(error);
  if (/unexpected EOF/i.test(said)) {
    return new MillraceError('source.truncated', named('ends in the middle of its zstd data; copy it again'), {
      cause: error,
    });
  }
  return new MillraceError('source.corrupt_zstd', named(`is no sound zstd data: ${said}; copy it again`), {
    cause: error,
  });
}
