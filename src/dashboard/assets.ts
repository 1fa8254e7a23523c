import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const TYPES: Readonly<Record<string, string>> = {
  'app.css': 'text/css; charset=utf-8',
  'app.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

export interface Asset {
  type: string;
  text: string;
  etag: string;
}

const kept = new Map<string, Asset>();

/** What browsers get as it is; null for any other name. */
export function asset(name: string): Asset | null {
  const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  if (type === undefined) return null;
  const known = kept.get(name);
  if (known) return known;
  const text = readFileSync(new URL(`assets/${name}`, import.meta.url), 'utf8');
  const etag = `"${createHash('sha256').update(text).digest('hex').slice(0, 16)}"`;
  const read = { type, text, etag };
  kept.set(name, read);
  return read;
}
