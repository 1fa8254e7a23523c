import { gunzipSync } from 'node:zlib';
import { MillraceError } from '../../core/errors.js';
import type { Frames, Packing } from '../../core/plan.js';
import type { ByteSource } from '../../stores/port.js';
import { blockOf } from './blocks.js';
import { gzipFault } from './gzip.js';
import { unzstd } from './zstd.js';

/** Frames are taken together to so much text: each group is unpacked as a whole, and stands in the plan. */
const GROUP_BYTES = 1024 * 1024;
/** At most so many groups of a file. */
const MAX_GROUPS = 8192;
/** A frame has to fit into memory. */
const MAX_FRAME_BYTES = 32 * 1024 * 1024;
const WINDOW_BYTES = 1024 * 1024;
/** Groups that stay unpacked, because readers come back a little. */
const KEPT_GROUPS = 2;

interface Frame {
  packedBytes: number;
  textBytes: number;
}

/**
 * Where the text of a compressed file can be entered: the blocks of bgzip, the frames of zstd. Their headers are read, and
 * nothing is unpacked. Null where there is one way in, or not enough is said of the rest; then the file is read from its beginning,
 * which finds whatever is wrong with it.
 */
export async function framesOf(source: ByteSource, packing: Packing): Promise<Frames | null> {
  // Other steps behind the compression move the places.
  if (!packing.compression || packing.encoding || packing.json || source.stream !== undefined) return null;
  const walk = packing.compression === 'gzip' ? bgzipBlock : zstdFrame;
  const table = packing.compression === 'zstd' ? await seekTable(source) : null;
  return grouped(table ?? (await walked(source, walk)));
}

/** Null where a frame is not told, or too large. */
async function walked(
  source: ByteSource,
  frameAt: (bytes: Window, at: number) => Promise<Frame | null>,
): Promise<Frame[] | null> {
  const frames: Frame[] = [];
  const window = new Window(source);
  for (let at = 0; at < source.size;) {
    const frame = await frameAt(window, at);
    if (!frame || frame.textBytes > MAX_FRAME_BYTES || at + frame.packedBytes > source.size) return null;
    frames.push(frame);
    at += frame.packedBytes;
  }
  return frames;
}

function grouped(frames: Frame[] | null): Frames | null {
  if (!frames) return null;
  const bytes = frames.reduce((sum, { textBytes }) => sum + textBytes, 0);
  const least = Math.max(GROUP_BYTES, bytes / MAX_GROUPS);
  const packed = [0];
  const text = [0];
  let at = { packed: 0, text: 0 };
  for (const [i, { packedBytes, textBytes }] of frames.entries()) {
    at = { packed: at.packed + packedBytes, text: at.text + textBytes };
    if (at.text - text.at(-1)! < least && i < frames.length - 1) continue;
    // An end mark or a table has no text: it goes with what is before it.
    if (at.text === text.at(-1)! && text.length > 1) packed.pop();
    else text.push(at.text);
    packed.push(at.packed);
  }
  return text.length > 2 ? { packed, text } : null;
}

/** Bytes of a file that is looked at from front to back. */
class Window {
  private start = 0;
  private bytes: Buffer = Buffer.alloc(0);

  constructor(private readonly source: ByteSource) {}

  /** Fewer at the end of the file. */
  async take(at: number, length: number): Promise<Buffer> {
    if (at < this.start || at + length > this.start + this.bytes.length) {
      this.start = at;
      this.bytes = await this.source.read(at, at + Math.max(length, WINDOW_BYTES));
    }
    return this.bytes.subarray(at - this.start, at - this.start + length);
  }
}

/** A block of bgzip: a gzip member whose extra field `BC` has its length. */
async function bgzipBlock(bytes: Window, at: number): Promise<Frame | null> {
  const head = await bytes.take(at, 12);
  if (head.length < 12 || head.readUInt32BE(0) !== 0x1f8b0804) return null;
  const extra = await bytes.take(at + 12, head.readUInt16LE(10));
  for (let i = 0; i + 6 <= extra.length; i += 4 + extra.readUInt16LE(i + 2)) {
    if (extra[i] !== 0x42 || extra[i + 1] !== 0x43 || extra.readUInt16LE(i + 2) !== 2) continue;
    const packedBytes = extra.readUInt16LE(i + 4) + 1;
    const tail = await bytes.take(at + packedBytes - 4, 4);
    return tail.length === 4 ? { packedBytes, textBytes: tail.readUInt32LE(0) } : null;
  }
  return null;
}

const ZSTD_MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a5;
const SEEK_TABLE_MAGIC = 0x8f92eab1;
const SEEK_TABLE_FOOTER = 9;
const LONGEST_FRAME_HEAD = 18;

/** A frame of zstd that says how long its text is (RFC 8878); its blocks are passed over. */
async function zstdFrame(bytes: Window, start: number): Promise<Frame | null> {
  const head = await bytes.take(start, LONGEST_FRAME_HEAD);
  if (head.length < 8) return null;
  if (head.readUInt32LE(0) >>> 4 === SKIPPABLE) return { packedBytes: 8 + head.readUInt32LE(4), textBytes: 0 };
  if (head.readUInt32LE(0) !== ZSTD_MAGIC) return null;
  const described = head[4]!;
  const isSingle = (described & 0x20) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][described >> 6]!;
  const at = 5 + (isSingle ? 0 : 1) + [0, 1, 2, 4][described & 3]!;
  if (sizeBytes === 0 || head.length < at + sizeBytes) return null;
  const textBytes =
    sizeBytes === 8 ? Number(head.readBigUInt64LE(at)) : head.readUIntLE(at, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  let end = start + at + sizeBytes;
  for (let last = false; !last;) {
    const block = await bytes.take(end, 3);
    if (block.length < 3) return null;
    const word = block.readUIntLE(0, 3);
    const type = (word >> 1) & 3;
    if (type === 3) return null;
    last = (word & 1) === 1;
    // A run of one byte has that byte.
    end += 3 + (type === 1 ? 1 : word >> 3);
  }
  return { packedBytes: end + ((described & 4) !== 0 ? 4 : 0) - start, textBytes };
}

/** The table at the end of a file in the seekable format of zstd; null where there is none. */
async function seekTable(source: ByteSource): Promise<Frame[] | null> {
  const { size } = source;
  if (size < SEEK_TABLE_FOOTER + 8) return null;
  const footer = await source.read(size - SEEK_TABLE_FOOTER, size);
  if (footer.readUInt32LE(5) !== SEEK_TABLE_MAGIC) return null;
  const count = footer.readUInt32LE(0);
  const entryBytes = (footer[4]! & 0x80) !== 0 ? 12 : 8;
  const tableBytes = 8 + count * entryBytes + SEEK_TABLE_FOOTER;
  if (tableBytes > size) return null;
  const table = await source.read(size - tableBytes + 8, size - SEEK_TABLE_FOOTER);
  const frames = Array.from({ length: count }, (_, i): Frame => ({
    packedBytes: table.readUInt32LE(i * entryBytes),
    textBytes: table.readUInt32LE(i * entryBytes + 4),
  }));
  const packed = frames.reduce((sum, { packedBytes }) => sum + packedBytes, 0);
  if (packed + tableBytes !== size || frames.some(({ textBytes }) => textBytes > MAX_FRAME_BYTES)) return null;
  return [...frames, { packedBytes: tableBytes, textBytes: 0 }];
}

/** The text of a file, of which any part can be read: only the frames are unpacked that have some of it. */
export function framedText(
  source: ByteSource,
  { compression }: Packing,
  { packed, text }: Frames,
  label: string,
): ByteSource {
  const size = text.at(-1)!;
  let kept: Array<{ group: number; bytes: Buffer }> = [];

  async function unpack(group: number): Promise<Buffer> {
    const known = kept.find((one) => one.group === group);
    if (known) return known.bytes;
    const wanted = text[group + 1]! - text[group]!;
    const bytes = await inflated(
      await source.read(packed[group]!, packed[group + 1]!),
      compression!,
      wanted,
      (message) => `source "${label}" ${message}`,
    );
    kept = [{ group, bytes }, ...kept].slice(0, KEPT_GROUPS);
    return bytes;
  }

  return {
    size,
    async read(start, end, into) {
      const last = Math.min(end, size);
      const wanted = Math.max(0, last - start);
      const out = into && into.length >= wanted ? into.subarray(0, wanted) : Buffer.allocUnsafe(wanted);
      for (let at = start, group = groupAt(text, start); at < last; group++) {
        const bytes = await unpack(group);
        at += bytes.copy(out, at - start, at - text[group]!, last - text[group]!);
      }
      return out;
    },
    close: () => source.close(),
  };
}

/** The group that has a byte of the text. */
function groupAt(text: readonly number[], at: number): number {
  let low = 0;
  let high = text.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (text[middle]! <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** @throws MillraceError `source.corrupt_gzip`, `source.corrupt_zstd`, `source.truncated` */
async function inflated(
  packed: Buffer,
  compression: 'gzip' | 'zstd',
  wanted: number,
  named: (message: string) => string,
): Promise<Buffer> {
  const text = compression === 'gzip' ? gunzip(packed, wanted, named) : await unzstdAll(packed, wanted, named);
  if (text.length === wanted) return text;
  throw new MillraceError(
    `source.corrupt_${compression}`,
    named(`has frames that promise ${wanted} bytes of text and give others; copy it again`),
  );
}

function gunzip(packed: Buffer, wanted: number, named: (message: string) => string): Buffer {
  try {
    return gunzipSync(packed, { maxOutputLength: wanted + 1 });
  } catch (error) {
    throw gzipFault(error as NodeJS.ErrnoException, named);
  }
}

async function unzstdAll(packed: Buffer, wanted: number, named: (message: string) => string): Promise<Buffer> {
  const blocks: Buffer[] = [];
  let bytes = 0;
  for await (const block of unzstd(blockOf(packed), named)) {
    blocks.push(block);
    bytes += block.length;
    // A table may lie of what comes.
    if (bytes > wanted) break;
  }
  return Buffer.concat(blocks);
}
