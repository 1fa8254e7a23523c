import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { MillraceError } from '../../core/errors.js';
import { isGzipped, outputFormat } from '../../core/part-format.js';
import { NO_VALUE, partitionPath } from '../../core/partition.js';
import type { PartitionValue } from '../../core/partition.js';
import type { Plan } from '../../core/plan.js';
import type { Section } from '../../core/receipt.js';
import type { StagedPart } from '../tasks.js';
import type { SqlPart } from '../sql/sql-engine.js';
import type { ThreadContext } from './context.js';
import { fileBlocks } from './file-blocks.js';
import { createDigest, sha256Of } from './part-digest.js';

/** Partitions of one part: each is a file that is open, and one more in the output. */
export const MAX_PARTITIONS = 1000;
const BLOCK_BYTES = 4 * 1024 * 1024;
/** Of most file systems. */
const MAX_NAME_BYTES = 255;

/** A file that becomes a section. */
export interface PartitionFile {
  partition: string;
  path: string;
  records: number;
}

/**
 * Puts the files of all partitions of a range into one part, one behind the other: so a part stays what it is to receipts, retries
 * and sweeps, and only the commit looks into it.
 */
export function joinSections(
  files: readonly PartitionFile[],
  to: string,
  gzip: boolean,
): Pick<StagedPart, 'path' | 'bytes' | 'digest' | 'sections'> {
  const fd = openSync(to, 'wx');
  // One for all: a stream would make a new one for each of many small files.
  const buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  const whole = createDigest('crc32');
  const sections: Section[] = [];
  let offset = 0;
  try {
    for (const file of [...files].sort((a, b) => (a.partition < b.partition ? -1 : 1))) {
      const digest = createDigest('sha256');
      let bytes = 0;
      for (const block of fileBlocks(file.path, buffer)) {
        const packed = gzip ? gzipSync(block) : block;
        digest.update(packed);
        whole.update(packed);
        for (let done = 0; done < packed.length;) done += writeSync(fd, packed, done);
        bytes += packed.length;
      }
      const sha256 = sha256Of(digest.result())!;
      sections.push({ partition: file.partition, offset, bytes, records: file.records, sha256 });
      offset += bytes;
    }
  } finally {
    closeSync(fd);
  }
  return { path: to, bytes: offset, digest: whole.result(), sections };
}

/** Takes an output of the SQL engine, which is Parquet, apart by the columns of the sink, in the form of the sink. */
export async function stageSections(
  context: ThreadContext,
  plan: Plan,
  from: string,
  part: SqlPart,
  signal: AbortSignal,
): Promise<StagedPart> {
  const engine = await context.sql();
  const { partitionBy, compression: codec, rowGroupRows } = plan.spec.sink!;
  const folder = `${from}-partitions`;
  await mkdir(folder);
  const groups = await engine.groups(from, partitionBy!, MAX_PARTITIONS + 1);
  if (groups.length > MAX_PARTITIONS) throw tooMany();
  const format = outputFormat(plan);
  const files = groups.map(({ values, records }) => {
    const partition = nameOf(values);
    return { partition, records, path: path.join(folder, partition, `part0.${format}`) };
  });
  await engine.partition(from, part.columns, partitionBy!, { format, codec, rowGroupRows, path: folder }, signal);
  const columns = part.columns.filter(({ name }) => !partitionBy!.includes(name));
  const to = await context.work.scratchFile('part');
  try {
    return { ...joinSections(files, to, isGzipped(plan)), records: part.records, columns };
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  }
}

/** @throws MillraceError `sink.bad_partition` where a value makes no name of a folder */
export function nameOf(values: readonly PartitionValue[]): string {
  for (const value of values) {
    // Its folder would be that of the nulls.
    if (value.value === NO_VALUE) {
      throw new MillraceError(
        'sink.bad_partition',
        `sink.partitionBy: column "${value.column}" has the value ${NO_VALUE}, which is how null is written; take it for null, or partition by another column`,
      );
    }
    const name = partitionPath([value]);
    if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
      throw new MillraceError(
        'sink.bad_partition',
        `sink.partitionBy: a value of column "${value.column}" is too long for the name of a folder: ${JSON.stringify(value.value!.slice(0, 80))}…; partition by another column`,
      );
    }
  }
  return partitionPath(values);
}

export function tooMany(): MillraceError {
  return new MillraceError(
    'sink.too_many_partitions',
    `sink.partitionBy: more than ${MAX_PARTITIONS} partitions within one part; partition by columns of fewer values`,
  );
}
