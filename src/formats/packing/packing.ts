import { MillraceError } from '../../core/errors.js';
import type { Packing } from '../../core/plan.js';
import type { ByteSource } from '../../stores/port.js';
import { memorySource } from '../memory-source.js';
import type { Blocks, Consumed } from './blocks.js';
import { gunzipped } from './gzip.js';
import { arrayAsLines } from './json-array.js';
import { asUtf8 } from './text-encoding.js';
import { unzstd } from './zstd.js';

const BLOCK_BYTES = 256 * 1024;

/**
 * The text within a packed file, as UTF-8, records where the readers of CSV and NDJSON find them. Each step reads from the one
 * before it, a block at a time.
 * @throws MillraceError `source.corrupt_gzip`, `source.corrupt_zstd`, `source.truncated`, `source.decompression_limit`,
 * `source.encoding`, `source.corrupt_json`, `source.not_an_array`
 */
export function unpacked(
  source: ByteSource,
  packing: Packing,
  label: string,
  consumed: Consumed = { bytes: 0, delivered: 0 },
): Blocks {
  let blocks: Blocks = blocksOf(source, consumed);
  const named = (message: string) => `source "${label}" ${message}`;
  if (packing.compression === 'gzip') blocks = gunzipped(blocks, consumed, named);
  if (packing.compression === 'zstd') blocks = unzstd(blocks, named);
  if (packing.compression) blocks = bounded(blocks, consumed, named);
  if (packing.encoding) blocks = asUtf8(blocks, packing.encoding, named);
  if (packing.json) blocks = arrayAsLines(blocks, packing.json.pointer, named);
  return blocks;
}

async function* blocksOf(source: ByteSource, consumed: Consumed): Blocks & AsyncGenerator<Buffer> {
  for await (const block of source.stream?.() ?? ranges(source)) {
    consumed.bytes += block.length;
    consumed.delivered += block.length;
    yield block;
  }
}

async function* ranges(source: ByteSource): AsyncGenerator<Buffer> {
  for (let at = 0; at < source.size; at += BLOCK_BYTES) yield await source.read(at, at + BLOCK_BYTES);
}

/** No data is packed like this, only bombs are: a megabyte would fill the disk with a gigabyte. */
const MAX_RATIO = 1000;
const FREE_BYTES = 4 * 1024 * 1024;

async function* bounded(
  blocks: Blocks,
  consumed: Consumed,
  named: (message: string) => string,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const block of blocks) {
    bytes += block.length;
    if (bytes > FREE_BYTES && bytes > MAX_RATIO * consumed.bytes) {
      throw new MillraceError(
        'source.decompression_limit',
        named(
          `unpacks to more than ${MAX_RATIO} times its size: ${bytes} bytes out of ${consumed.bytes} so far; ` +
            'if it is what it is meant to be, decompress it first',
        ),
      );
    }
    yield block;
  }
}

/** The beginning of a packed file as a source of its own, cut behind a line end where it goes on. */
export async function unpackedHead(
  source: ByteSource,
  packing: Packing,
  label: string,
  most: number,
): Promise<{ head: ByteSource; whole: boolean; packedBytes: number }> {
  const consumed: Consumed = { bytes: 0, delivered: 0 };
  const parts: Buffer[] = [];
  let bytes = 0;
  let whole = true;
  for await (const block of unpacked(source, packing, label, consumed)) {
    parts.push(block);
    bytes += block.length;
    if (bytes < most) continue;
    whole = false;
    break;
  }
  const all = Buffer.concat(parts);
  const end = whole ? all.length : all.lastIndexOf(0x0a) + 1 || all.length;
  return { head: memorySource(all.subarray(0, end)), whole, packedBytes: consumed.bytes };
}
