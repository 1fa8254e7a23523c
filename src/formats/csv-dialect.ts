/** Tells by the beginning of a CSV file what stands between its fields and around them. */
import { NO_FAULT, createCsvScan, textStart } from './csv-scan.js';

export interface Dialect {
  delimiter: string;
  quote: string;
}

/** In this order where several fit alike: what stands in texts and numbers most often comes last. */
const DELIMITERS = ['\t', '|', ';', ','];
const QUOTES = ['"', "'"];
const RECORDS = 1000;
/** Fields of a record whose quotes are counted. */
const FIELDS = 256;

interface Fit extends Dialect {
  /** The share of the records that have as many fields as most have, two at least, and no quote out of place. */
  share: number;
  quoted: number;
}

/**
 * @param head the first bytes of the file; a record that is cut off is not looked at, unless the file ends with it
 * @param asked what is known already
 * @returns null where no delimiter makes two fields of most records
 */
export function detectDialect(head: Buffer, isWhole: boolean, asked: Partial<Dialect>): Dialect | null {
  const delimiters = asked.delimiter === undefined ? DELIMITERS : [asked.delimiter];
  const quotes = asked.quote === undefined ? QUOTES : [asked.quote];
  const fits = delimiters.flatMap((delimiter) =>
    quotes.filter((quote) => quote !== delimiter).map((quote) => fitOf(head, isWhole, { delimiter, quote })),
  );
  const best = fits.reduce((a, b) => (b.share > a.share || (b.share === a.share && b.quoted > a.quoted) ? b : a));
  if (best.share > 0.5) return { delimiter: best.delimiter, quote: best.quote };
  return asked.delimiter === undefined ? null : { delimiter: asked.delimiter, quote: quotes[0]! };
}

function fitOf(head: Buffer, isWhole: boolean, dialect: Dialect): Fit {
  const scan = createCsvScan(dialect, FIELDS);
  const counts = new Map<number, number>();
  let at = textStart(head);
  let records = 0;
  let quoted = 0;
  while (at < head.length && records < RECORDS && scan.scan(head, at, isWhole)) {
    const { contentEnd, fields, fault, next } = scan;
    if (contentEnd > at) {
      records += 1;
      if (fault === NO_FAULT) {
        counts.set(fields, (counts.get(fields) ?? 0) + 1);
        for (let i = 0; i < Math.min(fields, FIELDS); i++) if (scan.bounds[2 * i]! < 0) quoted += 1;
      }
    }
    at = next;
  }
  const wide = [...counts].filter(([fields]) => fields > 1).map(([, count]) => count);
  return { ...dialect, share: records === 0 ? 0 : Math.max(0, ...wide) / records, quoted };
}
