import type { ByteSource } from '../stores/port.js';

/** Bytes at hand as a source. */
export function memorySource(bytes: Buffer): ByteSource {
  return {
    size: bytes.length,
    read: (start, end) => Promise.resolve(Buffer.from(bytes.subarray(start, Math.min(end, bytes.length)))),
    close: () => Promise.resolve(),
  };
}
