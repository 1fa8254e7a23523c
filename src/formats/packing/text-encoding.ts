import { MillraceError } from '../../core/errors.js';
import type { TextEncoding } from '../../core/spec.js';
import type { Blocks } from './blocks.js';

/** The same text as UTF-8, without a byte order mark. */
export async function* asUtf8(
  blocks: Blocks,
  encoding: TextEncoding,
  named: (message: string) => string,
): AsyncGenerator<Buffer> {
  // What the platform calls latin1 is windows-1252; here it is what its name says.
  const decoder = encoding === 'latin1' ? null : new TextDecoder(encoding, { fatal: true });
  const decode = (block: Buffer | undefined): string => {
    if (!decoder) return block?.toString('latin1') ?? '';
    try {
      return block ? decoder.decode(block, { stream: true }) : decoder.decode();
    } catch (error) {
      throw new MillraceError(
        'source.encoding',
        named(`is not ${encoding}, as source.encoding says; name the encoding that it has`),
        { cause: error },
      );
    }
  };
  for await (const block of blocks) {
    const text = decode(block);
    if (text !== '') yield Buffer.from(text, 'utf8');
  }
  const rest = decode(undefined);
  if (rest !== '') yield Buffer.from(rest, 'utf8');
}
