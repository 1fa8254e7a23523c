import { open } from 'node:fs/promises';
import type { FilePin } from '../core/plan.js';
import type { ByteSource } from './port.js';

export interface LocalFile extends ByteSource {
  readonly pin: FilePin;
}

/** Opens a file for ranged reads; size and pin are those of the open handle, so a swap after the open is not seen. */
export async function openFile(filePath: string, flags: string | number = 'r'): Promise<LocalFile> {
  const handle = await open(filePath, flags);
  const found = await handle.stat();
  return {
    size: found.size,
    pin: { size: found.size, mtimeMs: found.mtimeMs, inode: found.ino },
    async read(start, end, into) {
      const wanted = Math.max(0, Math.min(end, found.size) - start);
      const buffer = into && into.length >= wanted ? into.subarray(0, wanted) : Buffer.allocUnsafeSlow(wanted);
      let filled = 0;
      while (filled < wanted) {
        const { bytesRead } = await handle.read(buffer, filled, wanted - filled, start + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled === wanted ? buffer : buffer.subarray(0, filled);
    },
    close: () => handle.close(),
  };
}
