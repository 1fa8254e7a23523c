import { parquetMetadataAsync, parquetSchema } from 'hyparquet';
import type { AsyncBuffer, FileMetaData, SchemaTree } from 'hyparquet';
import { MillraceError, messageOf } from '../core/errors.js';
import type { Column, ColumnType } from '../core/records.js';
import type { ByteSource } from '../stores/port.js';

/** What a plan needs to know of a Parquet file. */
export interface ParquetShape {
  columns: Column[];
  /** Rows before each row group and, last, of the whole file. */
  rowGroupStarts: number[];
  /** Compressed bytes of each row group. */
  rowGroupBytes: number[];
}

export function asyncBuffer(source: ByteSource): AsyncBuffer {
  return {
    byteLength: source.size,
    async slice(start, end = source.size) {
      const from = start < 0 ? source.size + start : start;
      const bytes = await source.read(from, end);
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    },
  };
}

/**
 * The footer of a Parquet file.
 * @throws MillraceError `source.corrupt_parquet`, `source.encrypted`
 */
export async function readParquetMetadata(source: ByteSource, label: string): Promise<FileMetaData> {
  if (source.size < 12) throw corrupt(label, `${source.size} bytes are too few`);
  const magic = (await source.read(source.size - 4, source.size)).toString('latin1');
  if (magic === 'PARE') throw encrypted(label, 'an encrypted footer');
  if (magic !== 'PAR1') throw corrupt(label, `it ends with ${JSON.stringify(magic)}, wanted "PAR1"`);
  const metadata = await parquetMetadataAsync(asyncBuffer(source)).catch((error: unknown) => {
    throw corrupt(label, messageOf(error), error);
  });
  const isEncrypted = metadata.row_groups.some(({ columns }) => columns.some((column) => column.crypto_metadata));
  if (isEncrypted) throw encrypted(label, 'encrypted columns');
  return metadata;
}

function encrypted(label: string, what: string): MillraceError {
  return new MillraceError('source.encrypted', `source "${label}" is Parquet with ${what}, which cannot be read`);
}

export function parquetShape(metadata: FileMetaData): ParquetShape {
  const rowGroupStarts = [0];
  for (const group of metadata.row_groups) rowGroupStarts.push(rowGroupStarts.at(-1)! + Number(group.num_rows));
  return {
    columns: parquetSchema(metadata).children.map((child) => ({ name: child.element.name, type: columnType(child) })),
    rowGroupStarts,
    rowGroupBytes: metadata.row_groups.map((group) =>
      group.columns.reduce((sum, column) => sum + Number(column.meta_data?.total_compressed_size ?? 0), 0),
    ),
  };
}

/** The bytes of a file that are needed for some of its rows: the row groups that hold them, and all behind the last group. */
export function parquetPieces(
  metadata: FileMetaData,
  size: number,
  rows?: { firstRow: number; endRow: number },
): Array<{ start: number; end: number }> {
  const groups = metadata.row_groups.map(({ columns }) => {
    const chunks = columns.flatMap(({ meta_data: data }) => {
      if (!data) return [];
      const { dictionary_page_offset: dictionary, data_page_offset: first } = data;
      const start = Number(dictionary ? (dictionary < first ? dictionary : first) : first);
      return [{ start, end: start + Number(data.total_compressed_size) }];
    });
    return {
      start: Math.min(size, ...chunks.map(({ start }) => start)),
      end: Math.max(0, ...chunks.map(({ end }) => end)),
    };
  });
  const { rowGroupStarts } = parquetShape(metadata);
  const wanted = groups.filter(
    (_, i) => rows && rowGroupStarts[i]! < rows.endRow && rowGroupStarts[i + 1]! > rows.firstRow,
  );
  // Magic number, page indexes, footer.
  const tail = { start: Math.max(0, ...groups.map(({ end }) => end)), end: size };
  return [{ start: 0, end: Math.min(4, size) }, ...wanted, tail];
}

export function corrupt(label: string, why: string, cause?: unknown): MillraceError {
  return new MillraceError('source.corrupt_parquet', `source "${label}" is no readable Parquet file: ${why}`, {
    cause,
  });
}

function columnType({ element, children }: SchemaTree): ColumnType {
  if (children.length > 0 || element.repetition_type === 'REPEATED') return 'json';
  const logical = element.logical_type?.type;
  const converted = element.converted_type;
  if (logical === 'DATE' || converted === 'DATE') return 'date';
  if (logical === 'TIMESTAMP' || converted?.startsWith('TIMESTAMP') || element.type === 'INT96') return 'timestamp';
  if (logical === 'FLOAT16') return 'float';
  if (logical === 'DECIMAL' || converted === 'DECIMAL') return 'float';
  switch (element.type) {
    case 'BOOLEAN':
      return 'bool';
    case 'INT32':
    case 'INT64':
      return 'int';
    case 'FLOAT':
    case 'DOUBLE':
      return 'float';
    default:
      return 'string';
  }
}
