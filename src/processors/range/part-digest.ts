import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { DigestKind } from '../../core/receipt.js';

/** A digest over bytes that come piece by piece. */
export interface Digest {
  update(bytes: Uint8Array): void;
  /** In hex, behind the name of its kind: `crc32:1c291ca3`. */
  result(): string;
}

export function createDigest(kind: DigestKind): Digest {
  if (kind === 'sha256') {
    const hash = createHash('sha256');
    return { update: (bytes) => void hash.update(bytes), result: () => `sha256:${hash.digest('hex')}` };
  }
  let sum = 0;
  return {
    update(bytes) {
      sum = crc32(bytes, sum);
    },
    result: () => `crc32:${sum.toString(16).padStart(8, '0')}`,
  };
}

export function digestKind(digest: string): DigestKind {
  return digest.startsWith('sha256:') ? 'sha256' : 'crc32';
}

/** The sha256 in hex that a digest is; null where it is of another kind. */
export function sha256Of(digest: string): string | null {
  return digest.startsWith('sha256:') ? digest.slice('sha256:'.length) : null;
}
