import { isUtf8 } from 'node:buffer';
import { MillraceError } from '../core/errors.js';
import type { Column } from '../core/records.js';
import { MAX_RECORD_BYTES, type CsvOptions } from '../core/spec.js';
import type { ByteSource } from '../stores/port.js';
import { csvRangeReader } from './csv-reader.js';
import { createRowFactory } from './csv-cells.js';
import { createCsvScan, NO_FAULT, textStart } from './csv-scan.js';
import { inferColumns } from './infer-types.js';
import { readOnce, readSamples, rejectWarnings, type InferredTable } from './sample.js';

export { inferColumns };

const HEAD_BYTES = 256 * 1024;

export interface CsvHead {
  /** Column names: `csv.columns`, else the header's, else `column1`…; empty for an empty file without any of them. */
  names: string[];
  /** First byte after byte order mark and header. */
  dataStart: number;
  headLines: number;
}

/**
 * Reads the byte order mark and the header from the first bytes of a file. Blank lines before the header belong to it.
 * @throws MillraceError `source.empty` where a header is wanted and there is no record at all; `source.bad_header` for
 * names that are empty, double or not UTF-8, for a malformed or endless first record, and for a count of names that
 * differs from `csv.columns`
 */
export function readCsvHead(head: Buffer, fileSize: number, csv: CsvOptions): CsvHead {
  const last = head.length >= fileSize;
  let at = textStart(head);
  const afterMark = at;
  let headLines = 0;
  const counter = createCsvScan(csv, 0);
  let found = false;
  while (at < head.length) {
    if (!counter.scan(head, at, last))
      badHeader(`header does not end within the first ${head.length} bytes; check quotes and line ends`);
    found = counter.contentEnd !== at;
    if (found) break;
    at = counter.next;
    headLines += counter.lines;
  }
  if (!found) {
    if (csv.header)
      throw new MillraceError(
        'source.empty',
        'file has no header, wanted a line of column names; set csv.header: false or leave the file out',
      );
    const names = csv.columns ?? [];
    checkNames(names);
    return { names, dataStart: afterMark, headLines: 0 };
  }
  const { fields, contentEnd, fault, lines, next } = counter;
  if (csv.columns && csv.columns.length !== fields) {
    badHeader(`csv.columns does not match the first record, wanted ${csv.columns.length} fields, found ${fields}`);
  }
  const unnamed = Array.from({ length: fields }, (_, i) => `column${i + 1}`);
  if (!csv.header) {
    const names = csv.columns ?? unnamed;
    checkNames(names);
    return { names, dataStart: afterMark, headLines: 0 };
  }
  if (fault !== NO_FAULT)
    badHeader(
      `header has a quote out of place at byte ${counter.faultAt}; quote the whole name and double quotes inside it`,
    );
  if (!isUtf8(head.subarray(at, contentEnd))) badHeader('header is not valid UTF-8; convert the file to UTF-8');
  const scan = createCsvScan(csv, fields);
  const factory = createRowFactory(
    unnamed.map((name) => ({ name, type: 'string' })),
    { quote: csv.quote, nullValues: [] },
    scan.bounds,
  );
  scan.scan(head, at, last);
  factory.load(head, false);
  const header = factory.row()!;
  const names = csv.columns ?? unnamed.map((name) => header[name] as string);
  checkNames(names);
  return { names, dataStart: next, headLines: headLines + lines };
}

function badHeader(message: string): never {
  throw new MillraceError('source.bad_header', message);
}

function checkNames(names: readonly string[]): void {
  const seen = new Map<string, number>();
  names.forEach((name, i) => {
    if (name === '') badHeader(`column ${i + 1} has no name; name it in the file or by csv.columns`);
    const before = seen.get(name);
    if (before !== undefined) {
      badHeader(
        `columns ${before + 1} and ${i + 1} are both named ${JSON.stringify(name)}; rename one in the file or by csv.columns`,
      );
    }
    seen.set(name, i);
  });
}

/**
 * Settles a CSV file's columns from its head and spread samples of about 64 KiB.
 * @param some the declared types may be of columns that other files have
 * @throws MillraceError as `readCsvHead` and `inferColumns`
 */
export async function inferCsvTable(
  source: ByteSource,
  csv: CsvOptions,
  label: string,
  some = false,
): Promise<InferredTable> {
  const { names, dataStart, headLines } = await headOf(source, csv, label);
  const once = readOnce(source);
  const texts = names.map((name): Column => ({ name, type: 'string' }));
  const sampled = await readSamples(once, dataStart, label, (range) =>
    csvRangeReader(once, range, { columns: texts, csv }),
  );
  const values = sampled.rows.map((row) => names.map((name) => row[name] as string | null));
  const declared = Object.entries(csv.types).filter(([name]) => !some || names.includes(name));
  const columns = inferColumns(names, values, Object.fromEntries(declared));

  const typed = await readSamples(once, dataStart, label, (range) => csvRangeReader(once, range, { columns, csv }));
  const warnings = rejectWarnings(label, typed.rows.length + typed.rejects.length, typed.rejects);
  const { recordBytes } = sampled;
  return { columns, dataStart, headLines, recordBytes, sampleRows: typed.rows.slice(0, 10), warnings };
}

async function headOf(source: ByteSource, csv: CsvOptions, label: string): Promise<CsvHead> {
  try {
    const head = await source.read(0, Math.min(HEAD_BYTES, source.size));
    // A first record longer than this is rare enough to be read twice.
    const { delimiter, quote } = csv;
    const enough = head.length >= source.size || createCsvScan({ delimiter, quote }, 0).scan(head, 0, false);
    return readCsvHead(enough ? head : await source.read(0, Math.min(MAX_RECORD_BYTES, source.size)), source.size, csv);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    throw new MillraceError(error.code, `${label}: ${error.message}`, { issues: error.issues, cause: error });
  }
}
