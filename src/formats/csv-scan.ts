/** The one place that knows what a CSV record is. Everything that reads, copies or guesses goes through it. */

export const LF = 10;
export const CR = 13;

const ORDINARY = 0;
const DELIMITER = 1;
const QUOTE = 2;
const LINE_END = 3;

export const NO_FAULT = 0;
/** A quote inside an unquoted field, or bytes between a closing quote and the delimiter. */
export const STRAY_QUOTE = 1;
/** The file ends inside quotes. */
export const UNCLOSED_QUOTE = 2;

/** Where the text of a file begins: behind its byte order mark, where there is one. */
export function textStart(head: Uint8Array): number {
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
}

/** Scans one record at a time; its fields describe the last one. All positions are indexes into the scanned bytes. */
export interface CsvScan {
  /**
   * Start and end of each field, up to the number of columns. A start is stored as its complement (`~`) where the
   * field is quoted, an end as its complement where the field holds doubled quotes.
   */
  readonly bounds: Int32Array;
  /** First byte after the record's line end. */
  next: number;
  /** End of the record without its line end; equal to its start for a blank line. */
  contentEnd: number;
  /** How many fields it has, however many columns are wanted. */
  fields: number;
  /** Line ends in it, those inside quotes and its own included. */
  lines: number;
  fault: number;
  /** The opening quote of an unclosed field, the byte that should not stand where it stands of a stray one. */
  faultAt: number;
  /**
   * Scans the record at `at`. `last`: the file ends with `bytes`. `inside`: `at` lies inside a quoted field.
   * @returns false where the bytes end before the record does
   */
  scan(bytes: Uint8Array, at: number, last: boolean, inside?: boolean): boolean;
}

export function createCsvScan(dialect: { delimiter: string; quote: string }, columnCount: number): CsvScan {
  const delimiter = dialect.delimiter.charCodeAt(0);
  const quote = dialect.quote.charCodeAt(0);
  const classes = new Uint8Array(256);
  classes[delimiter] = DELIMITER;
  classes[quote] = QUOTE;
  classes[LF] = LINE_END;
  classes[CR] = LINE_END;
  const bounds = new Int32Array(columnCount * 2);

  const result: CsvScan = {
    bounds,
    next: 0,
    contentEnd: 0,
    fields: 0,
    lines: 0,
    fault: NO_FAULT,
    faultAt: -1,
    scan,
  };

  function scan(bytes: Uint8Array, at: number, last: boolean, inside = false): boolean {
    const end = bytes.length;
    let i = at;
    let fields = 0;
    let lines = 0;
    let fault = NO_FAULT;
    let faultAt = -1;

    for (;;) {
      let start = i;
      if (inside || (i < end && bytes[i] === quote)) {
        if (!inside) i++;
        start = i;
        let doubled = false;
        for (;;) {
          while (i < end) {
            const byte = bytes[i];
            if (byte === quote) break;
            if (byte === LF || (byte === CR && bytes[i + 1] !== LF)) lines++;
            i++;
          }
          if (i + 1 >= end && !last) return false;
          if (i >= end) {
            fault = UNCLOSED_QUOTE;
            faultAt = inside ? at : start - 1;
            break;
          }
          if (bytes[i + 1] !== quote) break;
          doubled = true;
          i += 2;
        }
        inside = false;
        if (fields < columnCount) {
          bounds[fields * 2] = ~start;
          bounds[fields * 2 + 1] = doubled ? ~i : i;
        }
        fields++;
        if (fault === UNCLOSED_QUOTE) break;
        i++;
      } else {
        while (i < end && classes[bytes[i]!] === ORDINARY) i++;
        if (i >= end && !last) return false;
        if (fields < columnCount) {
          bounds[fields * 2] = start;
          bounds[fields * 2 + 1] = i;
        }
        fields++;
      }
      if (i >= end) break;
      const kind = classes[bytes[i]!];
      if (kind === DELIMITER) {
        i++;
        continue;
      }
      if (kind !== LINE_END) {
        fault = STRAY_QUOTE;
        faultAt = i;
        while (i < end && bytes[i] !== LF && bytes[i] !== CR) i++;
      }
      break;
    }

    let next = i;
    if (i >= end) {
      if (!last) return false;
    } else {
      if (bytes[i] === CR && i + 1 >= end && !last) return false;
      next = bytes[i] === CR && bytes[i + 1] === LF ? i + 2 : i + 1;
      lines++;
    }
    result.next = next;
    result.contentEnd = i;
    result.fields = fields;
    result.lines = lines;
    result.fault = fault;
    result.faultAt = faultAt;
    return true;
  }

  return result;
}
