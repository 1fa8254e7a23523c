/** Compressed files that can be entered at many places. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packingOf } from '../../src/core/source-format.js';
import { framedText, framesOf } from '../../src/formats/packing/frames.js';
import type { Packing } from '../../src/core/plan.js';
import { unpacked } from '../../src/formats/packing/packing.js';
import { bytesOf } from '../helpers/bytes.js';
import { bgzip, zstdFrames } from '../helpers/framed.js';

const gzip: Packing = { compression: 'gzip' };
const zstd: Packing = { compression: 'zstd' };
const MIB = 1024 * 1024;
const text = Buffer.from(Array.from({ length: 600_000 }, (_, n) => `${n},${n * 7919}\n`).join(''));
const fixture = (name: string) => readFile(fileURLToPath(new URL(`../fixtures/packed/${name}`, import.meta.url)));

async function whole(packed: Buffer, packing: Packing): Promise<Buffer> {
  const blocks: Buffer[] = [];
  for await (const block of unpacked(bytesOf(packed), packing, 'it')) blocks.push(block);
  return Buffer.concat(blocks);
}

describe('the frames of a compressed file', () => {
  it.each([
    ['bgzip', bgzip(text), gzip],
    ['zstd, one frame behind the other', zstdFrames(text, 700_000), zstd],
    ['zstd, seekable', zstdFrames(text, 300_000, { seekable: true }), zstd],
  ])('of %s are groups of a mebibyte and more, of which any part of the text is read', async (_, packed, packing) => {
    const frames = (await framesOf(bytesOf(packed), packing))!;
    expect([frames.text.at(-1), frames.packed.at(-1)]).toEqual([text.length, packed.length]);
    expect(frames.text.length).toBeGreaterThan(4);
    for (let i = 2; i < frames.text.length - 1; i++)
      expect(frames.text[i]! - frames.text[i - 1]!).toBeGreaterThanOrEqual(MIB);
    const source = framedText(bytesOf(packed), packing, frames, 'it');
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length + 10), fc.nat(3 * MIB), async (start, length) => {
        const got = await source.read(start, start + length);
        expect(got.equals(text.subarray(start, start + length))).toBe(true);
      }),
      { numRuns: 50 },
    );
    expect((await whole(packed, packing)).equals(text)).toBe(true);
  });

  it('of zstd are found behind one that is to be skipped', async () => {
    const skipped = Buffer.from([0x51, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7]);
    const packed = Buffer.concat([skipped, await fixture('three-frames.csv.zst')]);
    expect(packingOf('a.csv', 'csv', {}, packed)).toEqual(zstd);
    const frames = (await framesOf(bytesOf(packed), zstd))!;
    const source = framedText(bytesOf(packed), zstd, frames, 'it');
    expect(frames.text.length).toBe(3);
    expect(source.size).toBe(2_948_897);
    expect((await source.read(0, source.size)).equals(await whole(packed, zstd))).toBe(true);
  });

  it.each([
    ['one member of gzip', gzipSync(text), gzip],
    ['two members that say nothing of their length', Buffer.concat([gzipSync(text), gzipSync(text)]), gzip],
    ['bgzip of little text', bgzip(text.subarray(0, MIB)), gzip],
    ['bgzip with something behind it', Buffer.concat([bgzip(text), Buffer.from('x')]), gzip],
    ['bgzip that is cut in a block', bgzip(text).subarray(0, -40), gzip],
    ['frames that say nothing of their text', zstdFrames(text, 700_000, { sized: false }), zstd],
    ['frames that are cut', zstdFrames(text, 700_000).subarray(0, -1), zstd],
    ['no zstd', Buffer.from('a,b\n1,2\n'), zstd],
    ['text in another encoding', bgzip(text), { ...gzip, encoding: 'latin1' as const }],
  ])('are not looked for in %s', async (_, packed, packing) => {
    expect(await framesOf(bytesOf(packed), packing)).toBeNull();
  });

  it.each([
    ['gzip', bgzip(text), gzip, 20],
    // The first block gets a type that there is not.
    ['zstd', zstdFrames(text, 700_000), zstd, 9],
  ])('of damaged %s are a fault', async (kind, packed, packing, at) => {
    const frames = (await framesOf(bytesOf(packed), packing))!;
    const damaged = Buffer.from(packed);
    damaged[at] = 0xff;
    const source = framedText(bytesOf(damaged), packing, frames, 'it');
    await expect(source.read(0, 10)).rejects.toMatchObject({ code: `source.corrupt_${kind}` });
  });

  it('of a table that lies are a fault', async () => {
    const packed = zstdFrames(text, 2 * MIB, { seekable: true });
    const first = packed.length - 9 - 8 * Math.ceil(text.length / (2 * MIB)) + 4;
    packed.writeUInt32LE(2 * MIB - 1, first);
    const frames = (await framesOf(bytesOf(packed), zstd))!;
    const source = framedText(bytesOf(packed), zstd, frames, 'it');
    await expect(source.read(0, 10)).rejects.toMatchObject({ code: 'source.corrupt_zstd' });
  });

  it('are as real as those of the tools', () => {
    expect(gunzipSync(bgzip(text)).equals(text)).toBe(true);
  });
});
