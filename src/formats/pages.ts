import { MillraceError } from '../core/errors.js';
import type { PagesSpec } from '../core/spec.js';
import type { Page } from '../stores/port.js';
import { parseJsonExact } from './json-exact.js';
import { blockOf } from './packing/blocks.js';
import { arrayAsLines, tokensOf } from './packing/json-array.js';

/** How far a walk over the pages of an API is: all that the next step needs, so that another process can take it. */
export interface PageCursor {
  /** The page to ask for next. */
  url: string;
  /** Its number, the first is 1. */
  page: number;
  /** Of paging by number: the bytes of the page before, as a digest. */
  before?: string;
  /** An address that was asked for, at that page: one that comes again is a ring. */
  mark?: { url: string; page: number };
}

const LF = 0x0a;
const SPACE = 0x20;

/** Where a walk begins. */
export function firstPage(url: string, pages: PagesSpec): PageCursor {
  return { url: 'number' in pages ? withParam(url, pages.number, String(pages.first)) : url, page: 1 };
}

/**
 * The records of a page as NDJSON, digit for digit.
 * @param pointer where the array of records is, as RFC 6901 has it
 * @throws MillraceError `source.not_an_array`, `source.corrupt_json`, `source.truncated`
 */
export async function pageRecords(
  { body }: Page,
  pointer: string,
  { page }: PageCursor,
  label: string,
): Promise<{ text: Buffer; records: number }> {
  const named = (message: string) => `source "${label}", page ${page}, ${message}`;
  // The view writes into what it is given; the page is asked for its cursor later.
  const bytes = Buffer.from(body);
  for await (const block of arrayAsLines(blockOf(bytes), pointer, named)) void block;
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    let end = bytes.indexOf(LF, start);
    if (end < 0) end = bytes.length;
    if (!isBlank(bytes, start, end)) lines.push(bytes.subarray(start, end), NEWLINE);
    start = end + 1;
  }
  return { text: Buffer.concat(lines), records: lines.length / 2 };
}

const NEWLINE = Buffer.from('\n');

function isBlank(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! > SPACE) return false;
  return true;
}

/**
 * What to ask for after a page; null after the last one.
 * @param digest of its bytes
 * @throws MillraceError `source.pages_endless` where a page leads back to one that was before; `source.bad_cursor`
 */
export function nextPage(
  pages: PagesSpec,
  cursor: PageCursor,
  given: Page,
  records: number,
  digest: string,
  label: string,
): PageCursor | null {
  const page = cursor.page + 1;
  if ('number' in pages) {
    if (records === 0) return null;
    if (cursor.before === digest)
      throw endless(
        label,
        cursor.page,
        `it is the page before it, byte for byte: does the server know "${pages.number}"?`,
      );
    const number = String(pages.first + (page - 1) * pages.step);
    return { url: withParam(cursor.url, pages.number, number), page, before: digest };
  }
  const url = 'link' in pages ? nextLink(given, label) : nextByCursor(pages, cursor, given, label);
  if (url === null) return null;
  const { mark = { url: cursor.url, page: cursor.page } } = cursor;
  if (url === mark.url) throw endless(label, cursor.page, `it leads back to page ${mark.page}`);
  // The mark moves on at each power of two, so that it is within a ring of any length at last.
  return { url, page, mark: page >= 2 * mark.page ? { url, page } : mark };
}

/** The target of `rel="next"` in a `Link` header (RFC 8288). */
function nextLink({ link, url }: Page, label: string): string | null {
  for (const [, target, parameters] of (link ?? '').matchAll(
    /<([^>]*)>((?:\s*;\s*[\w*!-]+\s*(?:=\s*(?:"[^"]*"|[^\s",;]+))?)*)/g,
  )) {
    const [, quoted, bare] = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))/i.exec(parameters!) ?? [];
    if ((quoted ?? bare ?? '').toLowerCase().split(/\s+/).includes('next')) return resolved(target!, url, label);
  }
  return null;
}

function nextByCursor(
  { cursor: pointer, param }: Extract<PagesSpec, { cursor: string }>,
  { url }: PageCursor,
  given: Page,
  label: string,
): string | null {
  const value = valueAt(parseJsonExact(given.body.toString('utf8')), pointer);
  if (value === undefined || value === null || value === '' || value === false) return null;
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') {
    throw new MillraceError(
      'source.bad_cursor',
      `source "${label}" has ${Array.isArray(value) ? 'a list' : `a ${typeof value}`} at "${pointer}" (source.pages.cursor); wanted a text, a number or null`,
    );
  }
  return param === undefined ? resolved(String(value), given.url, label) : withParam(url, param, String(value));
}

/** RFC 6901; undefined where nothing is there. */
function valueAt(document: unknown, pointer: string): unknown {
  let at = document;
  for (const key of tokensOf(pointer)) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

function withParam(text: string, name: string, value: string): string {
  const url = new URL(text);
  url.searchParams.set(name, value);
  return url.href;
}

function resolved(target: string, base: string, label: string): string {
  if (URL.canParse(target, base)) return new URL(target, base).href;
  throw new MillraceError(
    'source.bad_cursor',
    `source "${label}" names ${JSON.stringify(target.slice(0, 200))} as its next page, which is no URL; where it is a value, say in source.pages.param which parameter takes it`,
  );
}

function endless(label: string, page: number, why: string): MillraceError {
  return new MillraceError('source.pages_endless', `source "${label}" has no last page: after page ${page} ${why}`);
}
