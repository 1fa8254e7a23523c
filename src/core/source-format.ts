import { MillraceError } from './errors.js';
import type { Packing, Plan } from './plan.js';
import type { SourceFormat, SourceSpec } from './spec.js';

const BY_EXTENSION: Record<string, SourceFormat> = {
  csv: 'csv',
  tsv: 'csv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'json',
  parquet: 'parquet',
};

const COMPRESSED = new Set(['gz', 'gzip', 'zst', 'zstd']);

/**
 * The format of a source by what the spec says, else by the file's extension; of `data.csv.gz` by the inner one.
 * @throws MillraceError `source.unknown_format`
 */
export function sourceFormat(label: string, declared: SourceFormat | undefined): SourceFormat {
  const last = extensionOf(label);
  const extension = COMPRESSED.has(last) ? extensionOf(label.slice(0, -last.length - 1)) : last;
  const format = declared ?? (Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension] : undefined);
  if (format) return format;
  throw new MillraceError(
    'source.unknown_format',
    `the format of source "${label}" cannot be told from its name; set source.format to csv, ndjson, json or parquet`,
  );
}

/** Whether a uri names the manifest of a committed result, by the names that manifests have. */
export function isManifest(uri: string): boolean {
  return /(^|[/\\]|\.)manifest\.json$/.test(uri);
}

/** Whether records have a place in the bytes of their text. */
export function isText(format: Plan['format']): boolean {
  return format === 'csv' || format === 'ndjson' || format === 'json';
}

/**
 * What has to be done to a file before its records can be read from any place; null where nothing has.
 * @param head its first bytes: they tell what is compressed, whatever the name says
 * @throws MillraceError `source.compressed` for Parquet, which compresses by itself; `source.encoding` for text that is UTF-16
 * without a word of it
 */
export function packingOf(
  label: string,
  format: SourceFormat,
  { compression, encoding, json }: Pick<SourceSpec, 'compression' | 'encoding' | 'json'>,
  head: Uint8Array,
): Packing | null {
  const compressed = compression === undefined ? compressionOf(head) : compression === 'none' ? undefined : compression;
  if (format === 'parquet') {
    if (!compressed) return null;
    throw new MillraceError(
      'source.compressed',
      `source "${label}" is a compressed Parquet file, of which no part can be read alone; decompress it first`,
    );
  }
  const utf16 = compressed ? undefined : utf16Of(head);
  if (utf16 && !encoding) {
    throw new MillraceError('source.encoding', `source "${label}" is text in UTF-16; set source.encoding: ${utf16}`);
  }
  if (!compressed && !encoding && format !== 'json') return null;
  return {
    ...(compressed && { compression: compressed }),
    ...(encoding && { encoding }),
    ...(format === 'json' && { json: { pointer: json?.pointer ?? '' } }),
  };
}

/** Bytes of a file's head that tell how it is packed. */
export const PACKING_HEAD_BYTES = 4;

function compressionOf([a, b, c, d]: Uint8Array): Packing['compression'] {
  if (a === 0x1f && b === 0x8b) return 'gzip';
  // A file may begin with a frame that is to be skipped.
  if (a! >> 4 === 5 && b === 0x2a && c === 0x4d && d === 0x18) return 'zstd';
  return a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd ? 'zstd' : undefined;
}

function utf16Of([a, b]: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (a === 0xff && b === 0xfe) return 'utf-16le';
  return a === 0xfe && b === 0xff ? 'utf-16be' : undefined;
}

function extensionOf(label: string): string {
  return /\.([^./\\]+)$/.exec(label)?.[1]?.toLowerCase() ?? '';
}
