import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';

/**
 * Writes one private part file and its digest. Synchronous: it runs in a worker thread whose only work it is, and a
 * promise per batch would cost more than the write.
 */
export class PartWriter {
  private readonly fd: number;
  private readonly hash: Hash | null;
  bytes = 0;

  /** @param options.digest false for files that nobody will check */
  constructor(
    readonly path: string,
    { digest = true } = {},
  ) {
    this.hash = digest ? createHash('sha256') : null;
    this.fd = openSync(path, 'wx');
  }

  write(data: string | Buffer): void {
    const buffer = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
    if (buffer.length === 0) return;
    this.hash?.update(buffer);
    for (let done = 0; done < buffer.length;) done += writeSync(this.fd, buffer, done);
    this.bytes += buffer.length;
  }

  /** Ends the file. @returns its sha256, in hex; empty without digest */
  close(): string {
    closeSync(this.fd);
    return this.hash?.digest('hex') ?? '';
  }

  /** Removes the file, which was not closed yet. */
  discard(): void {
    closeSync(this.fd);
    unlinkSync(this.path);
  }
}
