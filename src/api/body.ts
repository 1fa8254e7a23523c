import type { Context } from 'hono';
import { LineCounter, parseDocument } from 'yaml';
import { messageOf } from '../core/errors.js';
import { MAX_DEPTH, isTooDeep } from '../schema/parts.js';
import { HttpProblem } from './problems.js';

/** Specs that people write are far below it. */
const MAX_YAML = 256 * 1024;
/** More than `MAX_DEPTH`: texts in it may have brackets of their own. */
const MAX_YAML_DEPTH = 200;
const MAX_YAML_INDENT = 400;
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
  const value = isJson ? parseJson(text) : parseYaml(text);
  if (!isTooDeep(value)) return value;
  throw new HttpProblem('request.malformed', `the body is nested deeper than ${MAX_DEPTH} levels, or holds itself`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new HttpProblem('request.malformed', `the body is no JSON: ${messageOf(error)}`);
  }
}

function parseYaml(text: string): unknown {
  // Faults are found by the thousand before the first of them can be told, each for a price.
  if (text.length > MAX_YAML) {
    throw new HttpProblem('request.too_large', `a body of YAML has at most ${MAX_YAML} characters; send it as JSON`);
  }
  if (opensTooMuch(text))
    throw new HttpProblem('request.malformed', 'the body is no YAML that could be read: too deep');
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      schema: 'core',
      prettyErrors: false,
      logLevel: 'silent',
      lineCounter: lines,
    });
    const [fault] = document.errors;
    // Few aliases: a handful of them, nested, would grow into gigabytes.
    if (!fault) return document.toJS({ maxAliasCount: 20 }) as unknown;
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new Error(`line ${line}, column ${col}: ${fault.message}`);
  } catch (error) {
    throw new HttpProblem('request.malformed', `the body is no YAML: ${messageOf(error).split('\n')[0]}`);
  }
}

/**
 * Whether a text would take the parser of YAML to the end of its stack, or of the memory: by brackets, by indicators that follow
 * each other on a line, or by indentation.
 */
function opensTooMuch(text: string): boolean {
  let open = 0;
  for (const character of text) {
    if (character === '[' || character === '{') open += 1;
    else if (character === ']' || character === '}') open = Math.max(0, open - 1);
    if (open > MAX_YAML_DEPTH) return true;
  }
  return text.split('\n').some((line) => {
    const [start] = /^[\s?:-]*/.exec(line)!;
    return start.length > MAX_YAML_INDENT || start.replace(/\s/g, '').length > MAX_YAML_DEPTH;
  });
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
