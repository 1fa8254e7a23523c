import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { DigestKind } from '../../core/receipt.js';
import { createDigest } from './part-digest.js';
import type { Digest } from './part-digest.js';

/** So much text is gzipped at once: each time makes a gzip file of its own, and a hundred bytes of it more. */
const GZIP_BYTES = 4 * 1024 * 1024;

/** How a part is written. */
export interface PartForm {
  digest: DigestKind;
  /** As gzip files one after the other, one at least. */
  gzip?: boolean;
}

/**
 * Writes one private part file and its digest. Synchronous: it runs in a worker thread whose only work it is, and a
 * promise per batch would cost more than the write.
 */
export class PartWriter {
  private readonly fd: number;
  private readonly digest: Digest | null;
  /** Text that is not gzipped yet; null where none will be. */
  private text: Buffer[] | null;
  private textBytes = 0;
  bytes = 0;

  /** @param form without a digest for files that nobody will check */
  constructor(
    readonly path: string,
    { digest, gzip = false }: Partial<PartForm> = {},
  ) {
    this.digest = digest ? createDigest(digest) : null;
    this.text = gzip ? [] : null;
    this.fd = openSync(path, 'wx');
  }

  write(data: string | Buffer): void {
    const buffer = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
    if (!this.text) return this.put(buffer);
    // What is handed in may be filled anew by then.
    this.text.push(typeof data === 'string' ? buffer : Buffer.from(buffer));
    this.textBytes += buffer.length;
    if (this.textBytes >= GZIP_BYTES) this.zip();
  }

  private zip(): void {
    this.put(gzipSync(Buffer.concat(this.text!)));
    this.text = [];
    this.textBytes = 0;
  }

  private put(buffer: Buffer): void {
    if (buffer.length === 0) return;
    this.digest?.update(buffer);
    for (let done = 0; done < buffer.length;) done += writeSync(this.fd, buffer, done);
    this.bytes += buffer.length;
  }

  /** Ends the file. @returns its digest; empty without one */
  close(): string {
    if (this.text && (this.textBytes > 0 || this.bytes === 0)) this.zip();
    closeSync(this.fd);
    return this.digest?.result() ?? '';
  }

  /** Removes the file, which was not closed yet. */
  discard(): void {
    closeSync(this.fd);
    unlinkSync(this.path);
  }
}
