import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Packing } from '../../src/core/plan.js';
import { packingOf, sourceFormat } from '../../src/core/source-format.js';
import { ndjsonRangeReader } from '../../src/formats/ndjson-reader.js';
import { unpacked, unpackedHead } from '../../src/formats/packing/packing.js';
import { bytesOf } from '../helpers/bytes.js';

async function text(content: string | Buffer, packing: Packing): Promise<string> {
  const blocks: Buffer[] = [];
  for await (const block of unpacked(bytesOf(content), packing, 'it')) blocks.push(block);
  return Buffer.concat(blocks).toString();
}

const gzip: Packing = { compression: 'gzip' };
const array = (pointer = ''): Packing => ({ json: { pointer } });
const zstd = () => readFile(fileURLToPath(new URL('../fixtures/packed/two-frames.csv.zst', import.meta.url)));

describe('how a file is packed', () => {
  it.each([
    ['a.csv.gz', 'csv'],
    ['A.NDJSON.GZ', 'ndjson'],
    ['a.json.zst', 'json'],
    ['b.jsonl', 'ndjson'],
  ])('%s is %s', (name, format) => {
    expect(sourceFormat(name, undefined)).toBe(format);
  });

  it.each(['a.gz', 'constructor', 'a.constructor', 'a.txt.gz'])('%s: nobody knows', (name) => {
    expect(() => sourceFormat(name, undefined)).toThrow(/cannot be told from its name/);
  });

  it('is told by its first bytes, whatever its name says, unless the spec says otherwise', () => {
    const head = gzipSync('a');
    expect(packingOf('a.csv', 'csv', {}, head)).toEqual({ compression: 'gzip' });
    expect(packingOf('a.csv.gz', 'csv', {}, Buffer.from('a,b\n'))).toBeNull();
    expect(packingOf('a.csv', 'csv', { compression: 'none' }, head)).toBeNull();
    expect(packingOf('a.json', 'json', { json: { pointer: '/x' } }, Buffer.from('{'))).toEqual(array('/x'));
    expect(() => packingOf('a.parquet', 'parquet', {}, head)).toThrow(/decompress it first/);
    expect(() => packingOf('a.csv', 'csv', {}, Buffer.from([0xff, 0xfe, 0x61, 0]))).toThrow(/encoding: utf-16le/);
    expect(packingOf('a.csv', 'csv', { encoding: 'utf-16le' }, Buffer.from([0xff, 0xfe]))).toEqual({
      encoding: 'utf-16le',
    });
  });
});

describe('gzip', () => {
  it('is read whole, all of its members', async () => {
    expect(await text(Buffer.concat([gzipSync('a,b\n1,2\n'), gzipSync('3,4\n')]), gzip)).toBe('a,b\n1,2\n3,4\n');
  });

  const packed = gzipSync(Buffer.from(Array.from({ length: 5000 }, (_, n) => `${n * 7919}\n`).join('')));
  it.each([
    ['cut off', packed.subarray(0, packed.length - 100), 'source.truncated'],
    ['without its last bytes', packed.subarray(0, packed.length - 3), 'source.truncated'],
    ['with bytes behind it', Buffer.concat([packed, Buffer.from('and more')]), 'source.corrupt_gzip'],
    ['with zeros behind it', Buffer.concat([packed, Buffer.alloc(64)]), 'source.corrupt_gzip'],
    ['with a flipped byte', Buffer.from(packed).fill(0xff, 200, 203), 'source.corrupt_gzip'],
    ['of something else', Buffer.from('a,b\n1,2\n'), 'source.corrupt_gzip'],
    ['of nothing', Buffer.alloc(0), 'source.truncated'],
  ])('%s: %#', async (_, bytes, code) => {
    await expect(text(bytes, gzip)).rejects.toMatchObject({ code, retryable: false });
  });

  it('that is a bomb is stopped long before the disk is full', async () => {
    const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024), { level: 9 });
    await expect(text(bomb, gzip)).rejects.toMatchObject({ code: 'source.decompression_limit' });
  });
});

describe('zstd', () => {
  it('is read whole, all of its frames', async () => {
    const lines = (await text(await zstd(), { compression: 'zstd' })).split('\n');
    expect([lines.length, lines[0], lines[1], lines.at(-2)]).toEqual([20_002, 'n,text', '0,line 0', '19999,line 81']);
  });

  it('cut off, or of something else, is an error', async () => {
    const bytes = await zstd();
    const packing: Packing = { compression: 'zstd' };
    await expect(text(bytes.subarray(0, bytes.length - 50), packing)).rejects.toMatchObject({
      code: 'source.truncated',
    });
    await expect(text(Buffer.from('a,b\n1,2\n'), packing)).rejects.toMatchObject({ code: 'source.corrupt_zstd' });
  });
});

describe('other encodings', () => {
  const written = 'name\nZoë\nŁódź\n';
  it('become UTF-8', async () => {
    expect(await text(Buffer.from('Zo\xeb\n', 'latin1'), { encoding: 'latin1' })).toBe('Zoë\n');
    expect(await text(Buffer.from('5 \x80\n', 'latin1'), { encoding: 'windows-1252' })).toBe('5 €\n');
    expect(await text(Buffer.from(`\ufeff${written}`, 'utf16le'), { encoding: 'utf-16le' })).toBe(written);
    expect(await text(Buffer.from(written, 'utf16le').swap16(), { encoding: 'utf-16be' })).toBe(written);
    expect(await text(gzipSync(Buffer.from(written, 'utf16le')), { ...gzip, encoding: 'utf-16le' })).toBe(written);
  });

  it('that the text does not have are an error, and never a replacement character', async () => {
    const odd = Buffer.concat([Buffer.from('a\n', 'utf16le'), Buffer.from([0x00, 0xd8, 0x41, 0x00])]);
    await expect(text(odd, { encoding: 'utf-16le' })).rejects.toMatchObject({ code: 'source.encoding' });
  });
});

describe('an array of JSON', () => {
  /** The elements as the reader of NDJSON finds them, with their offsets. */
  async function elements(
    content: string,
    pointer = '',
    blockBytes = 7,
  ): Promise<{ rows: unknown[]; offsets: number[] }> {
    const view = Buffer.from(await text(content, array(pointer)));
    expect(view.length).toBe(Buffer.byteLength(content));
    const range = { start: 0, end: view.length, exact: true, label: 'it', chunk: 0 };
    const rows: unknown[] = [];
    const offsets: number[] = [];
    for await (const batch of ndjsonRangeReader(bytesOf(view), range, {}, { blockBytes }).batches()) {
      rows.push(...(JSON.parse(JSON.stringify(batch.rows, asNumber)) as unknown[]));
      offsets.push(...batch.offsets!);
    }
    return { rows, offsets };
  }

  /** The reader keeps integers exact that JSON.parse rounds. */
  const asNumber = (_: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value);

  const json = fc.json({ depthSize: 'small' }).map((one) => JSON.parse(one) as unknown);
  const objects = fc.array(fc.dictionary(fc.string(), json), { maxLength: 8 });
  const indent = fc.constantFrom(0, 1, '\t', '\r\n'.slice(1));

  it('gives its elements, each at the place where it stood, however it is written', async () => {
    await fc.assert(
      fc.asyncProperty(objects, indent, async (given, space) => {
        const content = JSON.stringify(given, null, space);
        const { rows, offsets } = await elements(content);
        expect(rows).toEqual(JSON.parse(content));
        const bytes = Buffer.from(content);
        for (const [i, offset] of offsets.entries()) {
          // Blanks before an element are on its line.
          const rest = bytes.subarray(offset).toString().trimStart();
          expect(rest.startsWith('{')).toBe(true);
          if (space === 0) expect(rest.startsWith(JSON.stringify(given[i]))).toBe(true);
        }
      }),
    );
  });

  it('is found by its pointer, among whatever else there is', async () => {
    await fc.assert(
      fc.asyncProperty(objects, json, fc.string(), fc.string(), async (given, other, key, around) => {
        const token = key.replaceAll('~', '~0').replaceAll('/', '~1');
        const document = { [`${key}!`]: other, list: [other, { [key]: given, more: other }, other], [around]: 1 };
        fc.pre(Array.isArray(document.list));
        const { rows } = await elements(JSON.stringify(document, null, 1), `/list/1/${token}`);
        expect(rows).toEqual(JSON.parse(JSON.stringify(given)));
      }),
    );
  });

  it('may begin with a byte order mark, and be empty', async () => {
    expect((await elements('\ufeff[{"a":1}]')).rows).toEqual([{ a: 1 }]);
    expect((await elements(' [ ] ')).rows).toEqual([]);
  });

  it.each([
    ['[{"a":1}', '', 'source.truncated'],
    ['[{"a":"', '', 'source.truncated'],
    ['{"x":[{"a":1}]', '/x', 'source.truncated'],
    ['[{"a":1}]]', '', 'source.corrupt_json'],
    ['[{"a":1}] x', '', 'source.corrupt_json'],
    ['[{"a":1}}]', '', 'source.corrupt_json'],
    ['{"a":1]', '/x', 'source.corrupt_json'],
    ['{"a":1}', '', 'source.not_an_array'],
    ['{"a":1}', '/b', 'source.not_an_array'],
    ['{"a":{"b":1}}', '/a', 'source.not_an_array'],
    ['"text"', '', 'source.not_an_array'],
    ['17', '', 'source.not_an_array'],
    ['', '', 'source.not_an_array'],
  ])('%s at "%s": %s', async (content, pointer, code) => {
    await expect(text(content, array(pointer))).rejects.toMatchObject({ code });
  });

  it('has elements without lines, whose faults are told by byte and number', async () => {
    const content = '[{"a":1},\n  17,\n  {"a":2}]';
    const view = bytesOf(await text(content, array()));
    const range = { start: 0, end: view.size, exact: true, label: 'it', chunk: 0, lineless: true } as const;
    for await (const { rejects } of ndjsonRangeReader(view, range).batches()) {
      expect(rejects).toMatchObject([{ code: 'row.not_an_object', line: null, record: 2, offset: 9 }]);
    }
  });
});

describe('the head of a packed file', () => {
  it('ends behind a line where the file goes on, and says how much of it was read', async () => {
    const lines = Array.from({ length: 400_000 }, (_, n) => `${n},${(n * 7919) % 1000}\n`).join('');
    const packed = gzipSync(lines);
    const { head, whole, packedBytes } = await unpackedHead(bytesOf(packed), gzip, 'it', 100_000);
    expect(whole).toBe(false);
    expect(packedBytes).toBeLessThan(packed.length);
    const found = (await head.read(0, head.size)).toString();
    expect(lines.startsWith(found)).toBe(true);
    expect(found.endsWith('\n')).toBe(true);
    expect((await unpackedHead(bytesOf(gzipSync('a\nb')), gzip, 'it', 100_000)).head.size).toBe(3);
  });
});
