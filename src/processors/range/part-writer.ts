import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';

/**
 * Writes one private part file and its digest. Synchronous: it runs in a worker thread whose only work it is, and a
 * promise per batch would cost more than the write.
 */
export class PartWriter {
  private readonly fd: number;
  private readonly hash = createHash('sha256');
  bytes = 0;

  constructor(readonly path: string) {
    this.fd = openSync(path, 'wx');
  }

  write(data: string | Buffer): void {
    const buffer = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
    if (buffer.length === 0) return;
    this.hash.update(buffer);
    for (let done = 0; done < buffer.length; ) done += writeSync(this.fd, buffer, done);
    this.bytes += buffer.length;
  }

  /** Ends the file. @returns its sha256, in hex */
  close(): string {
    closeSync(this.fd);
    return this.hash.digest('hex');
  }
}
