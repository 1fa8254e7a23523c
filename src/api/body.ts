import type { Context } from 'hono';
import { parse as parseYaml } from 'yaml';
import { messageOf } from '../core/errors.js';
import { HttpProblem } from './problems.js';

const NDJSON_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];
const YAML_TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml'];

/**
 * The request body as plain data, from JSON or YAML.
 * @throws HttpProblem `request.media_type`, `request.malformed`
 */
export async function readBody(c: Context): Promise<unknown> {
  return parse(c, await c.req.text());
}

/** As `readBody`; null where there is no body at all. */
export async function readOptionalBody(c: Context): Promise<unknown> {
  const text = await c.req.text();
  return text === '' ? null : parse(c, text);
}

function parse(c: Context, text: string): unknown {
  const type = mediaType(c);
  const isJson = type === 'application/json' || /^application\/[a-z0-9.-]+\+json$/.test(type);
  if (!isJson && !YAML_TYPES.includes(type)) {
    throw unreadable(type, ['application/json', 'application/yaml']);
  }
  try {
    // Few aliases: a handful of them, nested, would grow into gigabytes.
    return isJson ? (JSON.parse(text) as unknown) : (parseYaml(text, { maxAliasCount: 20, schema: 'core' }) as unknown);
  } catch (error) {
    const what = isJson ? 'JSON' : 'YAML';
    throw new HttpProblem('request.malformed', `the body is no ${what}: ${messageOf(error).split('\n')[0]}`);
  }
}

/** A body of NDJSON as text; null where there is none. @throws HttpProblem `request.media_type` */
export async function readNdjsonBody(c: Context): Promise<string | null> {
  const text = await c.req.text();
  if (text.trim() === '') return null;
  const type = mediaType(c);
  if (!NDJSON_TYPES.includes(type)) throw unreadable(type, NDJSON_TYPES.slice(0, 1));
  return text;
}

function mediaType(c: Context): string {
  return (c.req.header('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
}

function unreadable(type: string, wanted: string[]): HttpProblem {
  const found = type === '' ? 'no content-type' : `content-type "${type}"`;
  return new HttpProblem('request.media_type', `cannot read a body of ${found}; send ${wanted.join(' or ')}`, {
    headers: { accept: wanted.join(', ') },
  });
}
