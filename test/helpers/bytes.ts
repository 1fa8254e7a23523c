import type { ByteSource } from '../../src/stores/port.js';

/** A source over bytes in memory. */
export function bytesOf(content: string | Buffer): ByteSource {
  const bytes = Buffer.from(content);
  return {
    size: bytes.length,
    read: (start, end) => Promise.resolve(Buffer.from(bytes.subarray(start, Math.min(end, bytes.length)))),
    close: () => Promise.resolve(),
  };
}

/** A source of any size whose bytes are made as they are read; counts what was read. */
export function endlessBytes(size: number, fill: number): ByteSource & { bytesRead: number } {
  const source = {
    size,
    bytesRead: 0,
    read(start: number, end: number) {
      const length = Math.max(0, Math.min(end, size) - start);
      source.bytesRead += length;
      return Promise.resolve(Buffer.alloc(length, fill));
    },
    close: () => Promise.resolve(),
  };
  return source;
}
