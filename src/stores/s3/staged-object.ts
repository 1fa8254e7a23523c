import type { StagedFile } from '../port.js';
import type { Bucket, Upload } from './bucket.js';

/** Not below 5 MiB, and 10,000 of them at most: so an object has up to 156 GiB. All of one size, as some servers want it. */
const PART_BYTES = 16 * 1024 * 1024;
/** Parts on their way, while the next one fills. */
const IN_FLIGHT = 2;

/** An object that nobody sees until it is published: a single request, or an upload in parts that is completed then. */
export function stagedObject(bucket: Bucket, key: string): StagedFile {
  let filling: Buffer = Buffer.alloc(0);
  let filled = 0;
  let parts = 0;
  let upload: Promise<Upload> | null = null;
  const sending = new Set<Promise<void>>();

  async function sendPart(bytes: Buffer): Promise<void> {
    if (sending.size >= IN_FLIGHT) await Promise.race(sending);
    const { part } = await (upload ??= bucket.upload(key));
    const sent: Promise<void> = part(++parts, bytes).finally(() => sending.delete(sent));
    // A fault is met where the part is waited for.
    sent.catch(() => undefined);
    sending.add(sent);
  }

  async function discard(): Promise<void> {
    await Promise.allSettled(sending);
    await (await upload?.catch(() => null))?.abort().catch(() => undefined);
  }

  return {
    async append(given) {
      for (let at = 0; at < given.byteLength;) {
        if (filled === PART_BYTES) {
          const full = filling;
          filling = Buffer.allocUnsafeSlow(PART_BYTES);
          filled = 0;
          await sendPart(full);
        }
        filling = roomFor(filling, filled, given.byteLength - at);
        const some = given.subarray(at, at + filling.length - filled);
        filling.set(some, filled);
        filled += some.byteLength;
        at += some.byteLength;
      }
    },

    async publish(ifExists) {
      const once = ifExists === 'error';
      const last = filling.subarray(0, filled);
      if (!upload) return bucket.put(key, last, once);
      await sendPart(last);
      await Promise.all(sending);
      return (await upload).complete(once);
    },

    discard,
  };
}

/** Small objects are many: a buffer grows with what is in it, up to the size of a part. */
function roomFor(buffer: Buffer, filled: number, wanted: number): Buffer {
  if (filled < buffer.length) return buffer;
  const size = Math.min(PART_BYTES, Math.max(filled + wanted, 2 * filled));
  const larger = Buffer.allocUnsafeSlow(size);
  larger.set(buffer.subarray(0, filled));
  return larger;
}
