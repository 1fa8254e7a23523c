import { randomUUID } from 'node:crypto';
import type { Bucket } from './bucket.js';

/**
 * Whether a bucket refuses a second object of one key: without that two attempts could both publish.
 * @param prefix where a probe may be written and removed
 */
export async function refusesSecond(bucket: Bucket, prefix: string): Promise<boolean> {
  const key = `${prefix}.probe-${randomUUID()}`;
  try {
    return (await bucket.put(key, Buffer.from('1'), true)) && !(await bucket.put(key, Buffer.from('2'), true));
  } finally {
    await bucket.remove([key]);
  }
}
