import { createHash, randomBytes } from 'node:crypto';

/** A fresh job id; ids sort by time of creation. */
export function newJobId(now = Date.now()): string {
  return `j-${uuid7(now, randomBytes(10))}`;
}

/** The id that a tenant's Idempotency-Key always gives, so that the server itself keeps it to one job. */
export function keyedJobId(tenant: string, key: string): string {
  return `j-${createHash('sha256')
    .update(JSON.stringify([tenant, key]))
    .digest('hex')}`;
}

/** RFC 9562: 48 bits of milliseconds, then chance. */
function uuid7(ms: number, random: Buffer): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(ms, 0, 6);
  random.copy(bytes, 6, 0, 10);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
