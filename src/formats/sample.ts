import type { Column, Reject, Row } from '../core/records.js';
import type { ByteSource } from '../stores/port.js';
import type { RangeReader, TextRange } from './reader.js';

const SAMPLES = 8;
const SAMPLE_BYTES = 64 * 1024;
const KEPT_BYTES = 4 * SAMPLE_BYTES;

export interface Sampled {
  rows: Row[];
  rejects: Reject[];
  /** Mean bytes of a record, line end included; 1 where there are none. */
  recordBytes: number;
}

/** What inference settles about one text file. */
export interface InferredTable {
  columns: Column[];
  /** First byte of the first record. */
  dataStart: number;
  /** Lines before `dataStart`. */
  headLines: number;
  recordBytes: number;
  /** The first records, at most ten. */
  sampleRows: Row[];
  warnings: string[];
}

/** A source that keeps what is read of it where that is little, for samples that are read twice in the same way. */
export function readOnce(source: ByteSource): ByteSource {
  const known = new Map<string, Buffer>();
  return {
    size: source.size,
    async read(start, end, into) {
      if (end - start > KEPT_BYTES) return source.read(start, end, into);
      const key = `${start}-${end}`;
      const kept = known.get(key);
      const bytes = kept ?? (await source.read(start, end, into));
      // The result is the caller's own.
      if (!kept) known.set(key, Buffer.from(bytes));
      return kept ? Buffer.from(kept) : bytes;
    },
    close: () => source.close(),
  };
}

/** Reads stretches of 64 KiB spread evenly over the file, the first at `dataStart`; a small file whole. */
export async function readSamples(
  source: ByteSource,
  dataStart: number,
  label: string,
  open: (range: TextRange) => RangeReader,
): Promise<Sampled> {
  const length = source.size - dataStart;
  const whole = length <= SAMPLES * SAMPLE_BYTES;
  const rows: Row[] = [];
  const rejects: Reject[] = [];
  let bytes = 0;
  for (let i = 0; i < (whole ? 1 : SAMPLES); i++) {
    const start = dataStart + Math.floor((i * length) / SAMPLES);
    const end = whole ? source.size : start + SAMPLE_BYTES;
    const reader = open({ start, end, exact: i === 0, label, chunk: 0 });
    for await (const batch of reader.batches()) {
      for (const row of batch.rows) rows.push(row);
      rejects.push(...batch.rejects);
    }
    bytes += reader.span!.end - reader.span!.first;
    // Each further look at a record without an end would take as much memory again.
    if (rows.length === 0 && rejects.some(({ code }) => code === 'row.too_large')) break;
  }
  const records = rows.length + rejects.length;
  return { rows, rejects, recordBytes: records === 0 ? 1 : bytes / records };
}

/** A warning where sampled records could not be read. */
export function rejectWarnings(label: string, total: number, rejects: readonly Reject[]): string[] {
  const first = rejects[0];
  if (!first) return [];
  return [
    `${label}: ${rejects.length} of ${total} sampled records would be rejected, the first at byte ${first.offset}: ${first.message}`,
  ];
}
