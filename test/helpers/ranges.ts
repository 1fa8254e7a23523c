import type { Reject, Row } from '../../src/core/records.js';
import type { RangeReader, RangeSpan, TextRange } from '../../src/formats/reader.js';

export interface ReadRange {
  rows: Row[];
  offsets: number[];
  lines: number[];
  records: number[];
  raws: string[];
  rejects: Reject[];
  span: RangeSpan;
}

export async function readAll(reader: RangeReader): Promise<ReadRange> {
  const all: Omit<ReadRange, 'span'> = { rows: [], offsets: [], lines: [], records: [], raws: [], rejects: [] };
  for await (const batch of reader.batches()) {
    all.rows.push(...batch.rows);
    all.offsets.push(...batch.offsets!);
    all.lines.push(...batch.lines!);
    all.records.push(...batch.records);
    all.raws.push(...batch.rows.map((_, i) => batch.raw(i)));
    all.rejects.push(...batch.rejects);
  }
  return { ...all, span: reader.span! };
}

export interface ReadInRanges {
  ranges: ReadRange[];
  rows: Row[];
  rejects: Reject[];
  /** How many ranges had to be read again from their true start. */
  repeated: number;
}

/** Reads `[dataStart, size)` in ranges as a job does: each one guesses its start; those that do not join are read again. */
export async function readInRanges(
  size: number,
  dataStart: number,
  rangeBytes: number,
  open: (range: TextRange) => RangeReader,
): Promise<ReadInRanges> {
  const ranges: ReadRange[] = [];
  let repeated = 0;
  let border = dataStart;
  for (let start = dataStart; start < size; start += rangeBytes) {
    const range = {
      start,
      end: Math.min(start + rangeBytes, size),
      exact: start === dataStart,
      label: 'test',
      chunk: ranges.length,
    };
    let read = await readAll(open(range));
    if (read.span.first !== border) {
      repeated++;
      read = await readAll(open({ ...range, start: border, exact: true }));
    }
    border = read.span.end;
    ranges.push(read);
  }
  return { ranges, rows: ranges.flatMap((r) => r.rows), rejects: ranges.flatMap((r) => r.rejects), repeated };
}
