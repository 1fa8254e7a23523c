import { closeSync, openSync, readSync } from 'node:fs';

/** A file from its beginning, each block in `buffer`: good until the next is asked for. Synchronous, as `PartWriter` is. */
export function* fileBlocks(file: string, buffer: Buffer): Generator<Buffer> {
  const fd = openSync(file, 'r');
  try {
    for (let bytes; (bytes = readSync(fd, buffer)) > 0;) yield buffer.subarray(0, bytes);
  } finally {
    closeSync(fd);
  }
}
