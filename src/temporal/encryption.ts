/** What goes through Temporal, encrypted before it leaves this process and decrypted after it has come back. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common';
// Its names are not found one by one: it is no ES module.
import proto from '@temporalio/proto';
import type { EncryptionKey } from '../core/config.js';
import { MillraceError } from '../core/errors.js';

/** As the Temporal Web UI and other SDKs name it. */
const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

const wire = proto.temporal.api.common.v1.Payload;

/**
 * How clients and workers turn values into payloads. The first key encrypts, all of them decrypt; what was never encrypted is
 * read as it is, so that keys can be set and changed while jobs run. Without keys only the failures of the codec remain: what is
 * encrypted is refused by name, and nothing is.
 */
export function dataConverter(keys: readonly EncryptionKey[] = []): DataConverter {
  return {
    payloadCodecs: [encryptionCodec(keys)],
    ...(keys.length > 0 && {
      failureConverterPath: fileURLToPath(new URL('../../workflows/encoded-failures.cjs', import.meta.url)),
    }),
  };
}

/** @throws MillraceError on decoding: `encryption.unknown_key`, `encryption.damaged` */
export function encryptionCodec(keys: readonly EncryptionKey[]): PayloadCodec {
  const [first] = keys;
  const byId = new Map(keys.map(({ id, key }) => [id, key]));
  return {
    encode: async (payloads) => (first ? payloads.map((payload) => encrypted(payload, first)) : payloads),
    decode: async (payloads) =>
      payloads.map((payload) => (textOf(payload.metadata?.encoding) === ENCODING ? decrypted(payload, byId) : payload)),
  };
}

/** Whether something failed only for want of what encrypted it. */
export function isUndecipherable(error: unknown): error is MillraceError {
  return error instanceof MillraceError && error.code.startsWith('encryption.');
}

/** Key, then IV, tag and text. The id of the key is bound to it: it cannot be written over. */
function encrypted(payload: Payload, { id, key }: EncryptionKey): Payload {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(id));
  const text = Buffer.concat([cipher.update(wire.encode(payload).finish()), cipher.final()]);
  return {
    metadata: { encoding: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(id) },
    data: Buffer.concat([iv, cipher.getAuthTag(), text]),
  };
}

function decrypted({ metadata, data }: Payload, keys: ReadonlyMap<string, Uint8Array>): Payload {
  const id = textOf(metadata?.[KEY_ID]);
  const key = keys.get(id);
  if (!key) {
    const known = keys.size === 0 ? 'there is none' : `there are "${[...keys.keys()].join('", "')}"`;
    throw new MillraceError(
      'encryption.unknown_key',
      `this was encrypted with key "${id}"; MILLRACE_ENCRYPTION_KEYS must have it as long as what it encrypted is kept: ${known}`,
    );
  }
  const bytes = data ?? new Uint8Array();
  const [iv, tag, text] = [
    bytes.subarray(0, IV_BYTES),
    bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES),
    bytes.subarray(IV_BYTES + TAG_BYTES),
  ];
  try {
    const decipher = createDecipheriv(CIPHER, key, iv).setAAD(Buffer.from(id)).setAuthTag(tag);
    return wire.decode(Buffer.concat([decipher.update(text), decipher.final()]));
  } catch (error) {
    throw new MillraceError(
      'encryption.damaged',
      `this is not what key "${id}" encrypted: it was changed on the way, or another key has that name`,
      { cause: error },
    );
  }
}

function textOf(bytes: Uint8Array | null | undefined): string {
  return bytes ? Buffer.from(bytes).toString() : '';
}
