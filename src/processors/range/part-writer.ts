import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import type { DigestKind } from '../../core/receipt.js';
import { createDigest } from './part-digest.js';
import type { Digest } from './part-digest.js';

/**
 * Writes one private part file and its digest. Synchronous: it runs in a worker thread whose only work it is, and a
 * promise per batch would cost more than the write.
 */
export class PartWriter {
  private readonly fd: number;
  private readonly digest: Digest | null;
  bytes = 0;

  /** @param digest absent for files that nobody will check */
  constructor(
    readonly path: string,
    digest?: DigestKind,
  ) {
    this.digest = digest ? createDigest(digest) : null;
    this.fd = openSync(path, 'wx');
  }

  write(data: string | Buffer): void {
    const buffer = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
    if (buffer.length === 0) return;
    this.digest?.update(buffer);
    for (let done = 0; done < buffer.length;) done += writeSync(this.fd, buffer, done);
    this.bytes += buffer.length;
  }

  /** Ends the file. @returns its digest; empty without one */
  close(): string {
    closeSync(this.fd);
    return this.digest?.result() ?? '';
  }

  /** Removes the file, which was not closed yet. */
  discard(): void {
    closeSync(this.fd);
    unlinkSync(this.path);
  }
}
