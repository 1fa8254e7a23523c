import { crc32, deflateRawSync } from 'node:zlib';

/** As bgzip writes it: members of at most so much text, each with its length in its header, and an empty one at the end. */
export function bgzip(text: Buffer, blockBytes = 0xff00): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at < text.length; at += blockBytes) blocks.push(bgzipBlock(text.subarray(at, at + blockBytes)));
  return Buffer.concat([...blocks, bgzipBlock(Buffer.alloc(0))]);
}

function bgzipBlock(text: Buffer): Buffer {
  const data = deflateRawSync(text);
  const head = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 0x42, 0x43, 2, 0, 0, 0]);
  head.writeUInt16LE(head.length + data.length + 8 - 1, 16);
  const tail = Buffer.alloc(8);
  tail.writeUInt32LE(crc32(text), 0);
  tail.writeUInt32LE(text.length, 4);
  return Buffer.concat([head, data, tail]);
}

/** Frames of zstd with their text as it is; in the seekable format with a table of them at the end. */
export function zstdFrames(text: Buffer, frameBytes: number, { seekable = false, sized = true } = {}): Buffer {
  const frames: Buffer[] = [];
  const table: Buffer[] = [];
  for (let at = 0; at < text.length; at += frameBytes) {
    const part = text.subarray(at, at + frameBytes);
    const frame = zstdFrame(part, sized);
    const entry = Buffer.alloc(8);
    entry.writeUInt32LE(frame.length, 0);
    entry.writeUInt32LE(part.length, 4);
    frames.push(frame);
    table.push(entry);
  }
  if (!seekable) return Buffer.concat(frames);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a5e, 0);
  head.writeUInt32LE(table.length * 8 + 9, 4);
  const footer = Buffer.alloc(9);
  footer.writeUInt32LE(table.length, 0);
  footer.writeUInt32LE(0x8f92eab1, 5);
  return Buffer.concat([...frames, head, ...table, footer]);
}

const MOST_BLOCK = 128 * 1024;

function zstdFrame(text: Buffer, sized: boolean): Buffer {
  // With its size in four bytes, or with a window of 2 MiB and nothing said.
  const head = Buffer.from(sized ? [0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0] : [0x28, 0xb5, 0x2f, 0xfd, 0, 0x58]);
  if (sized) head.writeUInt32LE(text.length, 5);
  const blocks: Buffer[] = [];
  for (let at = 0; at === 0 || at < text.length; at += MOST_BLOCK) {
    const part = text.subarray(at, at + MOST_BLOCK);
    const word = Buffer.alloc(3);
    word.writeUIntLE((part.length << 3) | (at + MOST_BLOCK >= text.length ? 1 : 0), 0, 3);
    blocks.push(word, part);
  }
  return Buffer.concat([head, ...blocks]);
}
