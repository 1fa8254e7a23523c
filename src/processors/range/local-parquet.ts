import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { parquetPieces, readParquetMetadata } from '../../formats/parquet-file.js';
import type { ByteSource } from '../../stores/port.js';
import type { SourceRef } from '../tasks.js';
import type { ThreadContext } from './context.js';

const COPY_BYTES = 4 * 1024 * 1024;

/**
 * A path by which the SQL engine can read a Parquet file. Of one that lies on no disk here it is a file full of holes in
 * `folder`: footer and indexes, and the row groups that hold the rows, each at its place.
 * @param source the file, open
 * @param rows absent: no row group at all
 */
export async function localParquet(
  { sources }: ThreadContext,
  { uri, label }: Pick<SourceRef, 'uri' | 'label'>,
  source: ByteSource,
  folder: string,
  rows?: { firstRow: number; endRow: number },
): Promise<string> {
  const known = await sources.localPath(uri);
  if (known !== null) return known;
  const pieces = parquetPieces(await readParquetMetadata(source, label), source.size, rows);
  const copy = path.join(folder, `${randomUUID()}.parquet`);
  const file = await open(copy, 'wx');
  try {
    await file.truncate(source.size);
    for (const { start, end } of pieces) {
      for (let at = start; at < end; at += COPY_BYTES) {
        await file.write(await source.read(at, Math.min(at + COPY_BYTES, end)), 0, undefined, at);
      }
    }
  } finally {
    await file.close();
  }
  return copy;
}
