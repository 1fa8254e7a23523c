import { MillraceError } from './errors.js';
import type { SourceFormat } from './spec.js';

const BY_EXTENSION: Record<string, SourceFormat> = {
  csv: 'csv',
  tsv: 'csv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  parquet: 'parquet',
};

/**
 * The format of a source by what the spec says, else by the file's extension.
 * @throws MillraceError `source.unknown_format`
 */
export function sourceFormat(label: string, declared: SourceFormat | undefined): SourceFormat {
  const extension = /\.([^./\\]+)$/.exec(label)?.[1]?.toLowerCase() ?? '';
  const format = declared ?? BY_EXTENSION[extension];
  if (format) return format;
  throw new MillraceError(
    'source.unknown_format',
    `the format of source "${label}" cannot be told from its name; set source.format to csv, ndjson or parquet`,
  );
}
