import fc from 'fast-check';
import { defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { encryptionCodec } from '../../src/temporal/encryption.js';

const keyOf = (id: string, fill: number) => ({ id, key: Buffer.alloc(32, fill) });
const [old, fresh] = [keyOf('2025', 1), keyOf('2026', 2)];
const code = (wanted: string) => expect.objectContaining({ code: wanted }) as Error;
const payload = (value: unknown) => defaultPayloadConverter.toPayload(value);

describe('the codec', () => {
  it('gives back whatever was encrypted, and shows none of it', async () => {
    const codec = encryptionCodec([fresh]);
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const [encrypted] = await codec.encode([payload(value)]);
        expect(Buffer.from(encrypted!.metadata!.encoding!).toString()).toBe('binary/encrypted');
        const [decrypted] = await codec.decode([encrypted!]);
        expect(defaultPayloadConverter.fromPayload(decrypted!)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    const [secret] = await codec.encode([payload('a canary')]);
    expect(Buffer.from(secret!.data!).toString('latin1')).not.toContain('canary');
  });

  it('gives no two payloads the same look', async () => {
    const codec = encryptionCodec([fresh]);
    const [one, two] = await codec.encode([payload(1), payload(1)]);
    expect(Buffer.from(one!.data!).equals(Buffer.from(two!.data!))).toBe(false);
  });

  it('reads what an older key encrypted, and what was never encrypted', async () => {
    const [before] = await encryptionCodec([old]).encode([payload('old')]);
    const rotated = encryptionCodec([fresh, old]);
    const [after] = await rotated.encode([payload('new')]);
    expect(Buffer.from(after!.metadata!['encryption-key-id']!).toString()).toBe('2026');
    const texts = (await rotated.decode([before!, after!, payload('plain')])).map((one) =>
      defaultPayloadConverter.fromPayload(one),
    );
    expect(texts).toEqual(['old', 'new', 'plain']);
  });

  it('names the key that it lacks, also where it has none', async () => {
    const sealed = await encryptionCodec([old]).encode([payload('x')]);
    await expect(encryptionCodec([fresh]).decode(sealed)).rejects.toThrow(code('encryption.unknown_key'));
    await expect(encryptionCodec([fresh]).decode(sealed)).rejects.toThrow(/key "2025".*there are "2026"/);
    await expect(encryptionCodec([]).decode(sealed)).rejects.toThrow(code('encryption.unknown_key'));
    expect(await encryptionCodec([]).encode([payload('x')])).toEqual([payload('x')]);
  });

  it('refuses what was changed: its bytes, its key, its name', async () => {
    const [sealed] = await encryptionCodec([fresh]).encode([payload('x')]);
    const data = Buffer.from(sealed!.data!);
    for (let at = 0; at < data.length; at++) {
      const changed = Buffer.from(data);
      changed[at]! ^= 1;
      await expect(encryptionCodec([fresh]).decode([{ ...sealed!, data: changed }])).rejects.toThrow(
        code('encryption.damaged'),
      );
    }
    const short = { ...sealed!, data: data.subarray(0, 10) };
    await expect(encryptionCodec([fresh]).decode([short])).rejects.toThrow(code('encryption.damaged'));
    const renamed = { ...sealed!, metadata: { ...sealed!.metadata, 'encryption-key-id': Buffer.from('2025') } };
    const sameKey = { ...old, key: fresh.key };
    await expect(encryptionCodec([fresh, sameKey]).decode([renamed])).rejects.toThrow(code('encryption.damaged'));
  });
});
