import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { DigestKind } from '../../core/receipt.js';
import { createDigest } from './part-digest.js';
import type { Digest } from './part-digest.js';

/** So much text is gzipped at once: each time makes a gzip file of its own, and a hundred bytes of it more. */
const GZIP_BYTES = 4 * 1024 * 1024;
/** So much of a file that gets a few rows at a time is written at once. */
const BUFFER_BYTES = 64 * 1024;

/** How a part is written. */
export interface PartForm {
  digest: DigestKind;
  /** As gzip files one after the other, one at least. */
  gzip?: boolean;
  /** It is one of many that are written by turns. */
  buffered?: boolean;
  /** There is a file, and it is written over. */
  over?: boolean;
}

/**
 * Writes one private part file and its digest. Synchronous: it runs in a worker thread whose only work it is, and a
 * promise per batch would cost more than the write.
 */
export class PartWriter {
  private readonly fd: number;
  private readonly digest: Digest | null;
  private readonly gzip: boolean;
  private readonly over: boolean;
  /** Bytes that wait to be written together; 0: none do. */
  private readonly most: number;
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  bytes = 0;

  /** @param form without a digest for files that nobody will check */
  constructor(
    readonly path: string,
    { digest, gzip = false, buffered = false, over = false }: Partial<PartForm> = {},
  ) {
    this.digest = digest ? createDigest(digest) : null;
    this.gzip = gzip;
    this.most = gzip ? GZIP_BYTES : buffered ? BUFFER_BYTES : 0;
    this.over = over;
    this.fd = openSync(path, over ? 'r+' : 'wx');
  }

  write(data: string | Buffer): void {
    const buffer = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
    if (this.most === 0) return this.put(buffer);
    // What is handed in may be filled anew by then.
    this.waiting.push(typeof data === 'string' ? buffer : Buffer.from(buffer));
    this.waitingBytes += buffer.length;
    if (this.waitingBytes >= this.most) this.flush();
  }

  private flush(): void {
    const bytes = Buffer.concat(this.waiting);
    this.put(this.gzip ? gzipSync(bytes) : bytes);
    this.waiting = [];
    this.waitingBytes = 0;
  }

  private put(buffer: Buffer): void {
    if (buffer.length === 0) return;
    this.digest?.update(buffer);
    for (let done = 0; done < buffer.length;) done += writeSync(this.fd, buffer, done);
    this.bytes += buffer.length;
  }

  /** Ends the file. @returns its digest; empty without one */
  close(): string {
    if (this.waitingBytes > 0 || (this.gzip && this.bytes === 0)) this.flush();
    if (this.over) ftruncateSync(this.fd, this.bytes);
    closeSync(this.fd);
    return this.digest?.result() ?? '';
  }

  /** Removes the file, which was not closed yet. */
  discard(): void {
    closeSync(this.fd);
    unlinkSync(this.path);
  }
}
