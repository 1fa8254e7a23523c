import type { ByteSource } from '../stores/port.js';

const BLOCK_BYTES = 1024 * 1024;

/** The bytes as a stream that reads one block ahead of its reader and closes the source whatever ends it. */
export function streamOf(source: ByteSource): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          if (offset >= source.size) {
            controller.close();
            await source.close();
            return;
          }
          const block = await source.read(offset, offset + BLOCK_BYTES);
          if (block.length === 0) throw new Error(`the file ended at byte ${offset} of ${source.size}`);
          offset += block.length;
          controller.enqueue(block);
        } catch (error) {
          await source.close().catch(() => undefined);
          throw error;
        }
      },
      cancel: () => source.close(),
    },
    { highWaterMark: 1 },
  );
}

/** The lines of a text, without their ends and without blank ones; one block of it is in memory. */
export async function* linesOf(source: ByteSource): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for (let at = 0; at < source.size; at += BLOCK_BYTES) {
    const block = await source.read(at, at + BLOCK_BYTES);
    const lines = (rest + decoder.decode(block, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line !== '') yield line;
  }
  if (rest !== '') yield rest;
}
