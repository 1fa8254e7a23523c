import { createHash } from 'node:crypto';
import { z } from 'zod';
import { MillraceError, messageOf } from '../core/errors.js';
import type { Column, Row } from '../core/records.js';
import { MAX_ITEMS_BYTES } from '../core/spec.js';
import { RATE_FORM, TOLERANCE_FORM, parseRate, parseTolerance } from '../core/settings.js';
import { shownUri } from '../core/shown-uri.js';
import { isTableUri, parseTableUri } from '../core/table-uri.js';
import type { JobSpec, SinkCompression, SinkFormat, SourceFormat, TextEncoding, SourceSpec } from '../core/spec.js';
import { dotted, pointer, shown, toIssues, wording } from './issues.js';
import { closed, DAY_MS, duration, fault, isPlainObject, notifyUrls } from './parts.js';
import { recordCheck } from './record-schema.js';
import { parseBytes } from './units.js';
import { takeUnsupported } from './unsupported.js';

const ENCODINGS = ['latin1', 'windows-1252', 'utf-16le', 'utf-16be'] as const satisfies readonly TextEncoding[];
const SOURCE_FORMATS = ['csv', 'ndjson', 'json', 'parquet'] as const satisfies readonly SourceFormat[];
const SINK_COMPRESSIONS = ['auto', 'none', 'gzip', 'zstd', 'snappy'] as const;
const SINK_FORMATS = ['csv', 'ndjson', 'parquet'] as const satisfies readonly SinkFormat[];
const CSV_TYPES = ['int', 'float', 'bool', 'date', 'timestamp', 'string'] as const satisfies ReadonlyArray<
  Column['type']
>;

const NAME_RULE = 'wanted a text without control characters, double quotes, backslashes and quotes around it';
const MAX_URIS = 1000;
const MIN_ROW_GROUP = 2048;
const MAX_ROW_GROUP = 10_000_000;
const MAX_RECORD_SCHEMA_BYTES = 64 * 1024;

const chunkBytes = z
  .union([z.string(), z.number()])
  .transform((value, context) => {
    const bytes = parseBytes(value);
    if (bytes === null)
      return fault(context, `wanted a size such as "64MiB" or a number of bytes, found ${shown(value)}`);
    if (bytes < 1 || bytes > 1024 ** 3) return fault(context, `wanted 1 byte to 1 GiB, found ${shown(value)}`);
    return bytes;
  })
  .meta({ examples: ['64MiB', 1048576] });

const chunk = z.union(
  [z.literal('auto'), closed({ bytes: chunkBytes }), closed({ rows: z.int().min(1).max(10_000_000) })],
  {
    error: ({ input }) => chunkFault(input),
  },
);

/** A union's own message names no place; this one looks at which form was meant. */
function chunkFault(input: unknown): string {
  const wanted = 'wanted "auto", { bytes: "64MiB" } or { rows: 10000 }';
  if (!isPlainObject(input)) return `${wanted}, found ${shown(input)}`;
  if ('bytes' in input && 'rows' in input) return 'wanted either bytes or rows, found both';
  return `${wanted}, found ${shown(input)}`;
}

const tolerance = z
  .union([z.string(), z.number()])
  .transform((value, context) => {
    const parsed = parseTolerance(value);
    return parsed ?? fault(context, `${TOLERANCE_FORM}, found ${shown(value)}`);
  })
  .meta({ examples: [500, '0.1%'] });

const rate = z
  .union([closed({ records: z.string() }), closed({ chunks: z.string() })], {
    error: ({ input }) => `${RATE_FORM}, found ${shown(input)}`,
  })
  .transform((value, context) => parseRate(value) ?? fault(context, `${RATE_FORM}, found ${shown(value)}`))
  .meta({ examples: [{ records: '500/s' }, { chunks: '30/m' }] });

function oneByteOrAuto(what: string) {
  return z.string().refine((text) => text === 'auto' || /^[\x01-\x09\x0b\x0c\x0e-\x7f]$/.test(text), {
    error: ({ input }) => `${what} is one ASCII character and no line end, or auto, found ${shown(input)}`,
  });
}

const columnName = z.string().min(1).max(256);
const columnNames = z
  .union([columnName, z.array(columnName).min(1).max(16)], {
    error: ({ input }) => `wanted a column or a list of columns, found ${shown(input)}`,
  })
  .transform((given) => (typeof given === 'string' ? [given] : given));

const csv = closed({
  delimiter: oneByteOrAuto('the delimiter')
    .default(',')
    .meta({ description: 'Between fields; one ASCII character, or auto: by the beginning of the first file' }),
  quote: oneByteOrAuto('the quote')
    .default('"')
    .meta({ description: 'Around fields; one ASCII character, or auto: " or \'' }),
  header: z.boolean().default(true).meta({ description: 'The first record has the names of the columns' }),
  columns: z
    .array(columnName)
    .min(1)
    .optional()
    .refine((names) => !names || new Set(names).size === names.length, {
      error: 'the same column name stands there twice',
    })
    .meta({ description: "Names in place of the header's; needed where there is none" }),
  nullValues: z.array(z.string()).default(['']).meta({ description: 'Unquoted fields that are null' }),
  types: z
    .record(columnName, z.enum(CSV_TYPES))
    .default({})
    .meta({ description: 'Types of columns; the others are inferred' }),
})
  .refine(({ delimiter, quote }) => delimiter !== quote || quote === 'auto', {
    path: ['quote'],
    error: 'the quote and the delimiter are the same character',
  })
  .refine((options) => options.header || options.columns !== undefined, {
    path: ['columns'],
    error: 'missing; a file without header needs the names of its columns',
  });

const items = z
  .array(
    z
      .custom<Row>(isPlainObject, { error: ({ input }) => `wanted an object, found ${shown(input)}` })
      .meta({ type: 'object' }),
  )
  .min(1)
  .superRefine((rows, context) => {
    const bytes = Buffer.byteLength(JSON.stringify(rows));
    if (bytes > MAX_ITEMS_BYTES) {
      fault(
        context,
        `${bytes} bytes as JSON, at most ${MAX_ITEMS_BYTES}; write them to a file and name it in source.uri`,
      );
    }
  });

const recordSchema = z
  .custom<Record<string, unknown>>(isPlainObject, { error: ({ input }) => `wanted an object, found ${shown(input)}` })
  .superRefine((schema, context) => {
    const bytes = Buffer.byteLength(JSON.stringify(schema));
    if (bytes > MAX_RECORD_SCHEMA_BYTES)
      return fault(context, `${bytes} bytes as JSON, at most ${MAX_RECORD_SCHEMA_BYTES}`);
    try {
      recordCheck(schema, { nullIsAbsent: false });
    } catch (error) {
      fault(context, `wanted a JSON Schema (2020-12): ${messageOf(error)}`);
    }
  })
  .meta({ type: 'object', examples: [{ required: ['id'], properties: { price: { type: 'number', minimum: 0 } } }] });

const uri = z.string().min(1).max(4096);

const jsonPointer = z
  .string()
  .max(1024)
  .regex(/^(\/([^~]|~[01])*)?$/, {
    error: ({ input }) => `wanted a JSON pointer such as "/data/items", found ${shown(input)}`,
  });
const parameter = z.string().min(1).max(200);

const pages = z
  .union(
    [
      z.literal('link'),
      closed({ cursor: jsonPointer, param: parameter.optional() }),
      closed({ number: parameter, first: z.int().min(0).default(1), step: z.int().min(1).default(1) }),
    ],
    {
      error: ({ input }) =>
        `wanted "link", { cursor: "/meta/next", param: after } or { number: page }, found ${shown(input)}`,
    },
  )
  .transform((given) => (given === 'link' ? { link: true as const } : given))
  .meta({ examples: ['link', { cursor: '/meta/next', param: 'after' }, { number: 'page', first: 1, step: 1 }] });

const source = closed({
  uri: z
    .union([uri, z.array(uri).min(1).max(MAX_URIS)], {
      error: ({ input }) => `wanted a path or a list of 1 to ${MAX_URIS} paths, found ${shown(input)}`,
    })
    .transform((given) => (typeof given === 'string' ? [given] : given))
    .optional()
    .meta({ description: 'Paths, globs and URLs' }),
  job: z
    .string()
    .max(200)
    .regex(/^(?!\.+$)[^/\\]+$/, { error: ({ input }) => `wanted the id of a job, found ${shown(input)}` })
    .optional()
    .meta({ description: 'A job whose committed result is the source, in place of uri' }),
  query: z
    .string()
    .min(1)
    .max(65_536)
    .optional()
    .meta({ description: 'With uri postgres://NAME: the rows of this query' }),
  key: columnNames
    .optional()
    .meta({ description: 'Of a postgres: source, the columns by whose values it is split; default: the primary key' }),
  items: items.optional().meta({ description: 'The records themselves, in place of uri; up to 1 MiB as JSON' }),
  format: z.enum(SOURCE_FORMATS).optional().meta({ description: 'Default: by the extension' }),
  compression: z
    .enum(['auto', 'none', 'gzip', 'zstd'])
    .transform((given) => (given === 'auto' ? undefined : given))
    .optional()
    .meta({ description: 'auto (default): by the first bytes of each file' }),
  encoding: z
    .enum(['utf-8', ...ENCODINGS])
    .transform((given) => (given === 'utf-8' ? undefined : given))
    .optional()
    .meta({ description: 'Of CSV, NDJSON and JSON; default utf-8' }),
  csv: csv.prefault({}),
  json: closed({
    pointer: jsonPointer.default('').meta({ description: 'Such as /data/items' }),
  })
    .optional()
    .meta({ description: 'Where the array of records is; default: the document itself' }),
  pages: pages.optional().meta({
    description:
      'A JSON API that gives its records page by page; the next page is named by a Link header (link), by a value in the page (cursor), or counted (number)',
  }),
  partitions: z.enum(['hive']).optional().meta({ description: 'hive: folders such as year=2024/ are columns too' }),
  evolution: z.enum(['strict', 'union']).optional().meta({
    description:
      'strict: all files have the same columns; union: each has some of them, the others are null there. Default: strict for csv and parquet, else union',
  }),
  schema: recordSchema
    .optional()
    .meta({ description: 'JSON Schema (2020-12) of a record; records that do not match are rejected as row.schema' }),
  incremental: z
    .boolean()
    .transform((incremental) => incremental || undefined)
    .optional()
    .meta({ description: 'In a schedule: only files that no run of it has used' }),
});

/** Also takes the reference to items that lie in the work area already. */
const internalSource = source.extend({ itemsKey: z.string().optional() });

const sink = closed({
  uri: uri.meta({ description: 'One file; ending in /: a folder of parts; postgres://NAME/schema.table: a table' }),
  format: z.enum(SINK_FORMATS).optional().meta({ description: 'Default: by the extension' }),
  compression: z
    .enum(SINK_COMPRESSIONS)
    .default('auto')
    .meta({ description: 'Of csv and ndjson: gzip where the name ends in .gz. Of parquet: snappy' }),
  rowGroupRows: z
    .int()
    .min(MIN_ROW_GROUP)
    .max(MAX_ROW_GROUP)
    .optional()
    .meta({ description: 'Of parquet: rows of a row group, or some more; default: 122880' }),
  partitionBy: columnNames
    .refine((names) => new Set(names).size === names.length, { error: 'the same column stands there twice' })
    .optional()
    .meta({ description: 'Of a folder: columns by whose values the parts lie in folders such as year=2024/' }),
  ifExists: z
    .enum(['error', 'replace', 'append'])
    .default('error')
    .meta({ description: 'What becomes of an output that is there; append: of tables only' }),
  upsert: columnNames
    .optional()
    .meta({ description: 'Of a postgres: table, the columns of the key whose rows are replaced' }),
  visible: z.enum(['atCommit', 'perChunk']).default('atCommit').meta({
    description:
      'Of a postgres: table, when its rows are seen: all at once at the end, or those of each range when it is done',
  }),
}).transform(({ uri, format, compression, rowGroupRows, partitionBy, ifExists, upsert, visible }, context) => {
  const refuse = (field: string, message: string) => {
    context.addIssue({ code: 'custom', path: [field], message });
    return z.NEVER;
  };
  if (isTableUri(uri)) {
    if (format) return refuse('format', 'a table has no format; leave it out');
    if (compression !== 'auto') return refuse('compression', 'a table has none; leave it out');
    if (rowGroupRows !== undefined) return refuse('rowGroupRows', 'a table has none; leave it out');
    if (partitionBy) return refuse('partitionBy', 'a table has none; leave it out');
    if (upsert && ifExists === 'replace')
      return refuse('upsert', 'wanted either upsert or ifExists: replace, found both');
    if (visible === 'perChunk' && ifExists === 'replace')
      return refuse('visible', 'perChunk takes no rows away; wanted with ifExists: error or append, or with upsert');
    const table = { ifExists, ...(upsert && { upsert }), ...(visible === 'perChunk' && { visible }) };
    return {
      uri,
      format: 'csv' as const,
      ifExists: ifExists === 'error' && !upsert ? ('error' as const) : ('replace' as const),
      table,
    };
  }
  if (upsert) return refuse('upsert', 'wanted of a postgres: table only');
  if (visible === 'perChunk') return refuse('visible', 'perChunk is of postgres: tables; leave it out');
  if (ifExists === 'append') return refuse('ifExists', 'append is of postgres: tables; wanted error or replace');
  if (partitionBy && !uri.endsWith('/'))
    return refuse('partitionBy', 'is of folders; end sink.uri in "/", or leave it out');
  if (uri.endsWith('/') && !format) {
    return refuse('format', `missing; a folder of parts needs ${SINK_FORMATS.join(', ')}`);
  }
  const settled = format ?? formatOf(uri);
  if (!settled) {
    return refuse(
      'format',
      `the name ${shown(uri)} does not tell the format; name it .csv, .ndjson or .parquet, or set sink.format`,
    );
  }
  const packed = sinkCompression(uri, settled, compression);
  if (packed === null)
    return refuse('compression', `wanted auto, none or gzip for ${settled}, found ${shown(compression)}`);
  if (rowGroupRows !== undefined && settled !== 'parquet')
    return refuse('rowGroupRows', `only parquet has row groups, the sink is ${settled}; leave it out`);
  return {
    uri,
    format: settled,
    ...packed,
    ...(rowGroupRows !== undefined && { rowGroupRows }),
    ...(partitionBy && { partitionBy }),
    ifExists,
  };
});

/** Null where the format cannot be compressed so. */
function sinkCompression(
  uri: string,
  format: SinkFormat,
  asked: (typeof SINK_COMPRESSIONS)[number],
): { compression?: SinkCompression } | null {
  if (format === 'parquet') return asked === 'auto' || asked === 'snappy' ? {} : { compression: asked };
  if (asked === 'none' || (asked === 'auto' && !isGzipName(uri))) return {};
  return asked === 'auto' || asked === 'gzip' ? { compression: 'gzip' } : null;
}

function isGzipName(name: string): boolean {
  return /\.gz$/i.test(name);
}

const retry = closed({
  attempts: z.int().min(1).max(1000).default(5).meta({ description: 'At a chunk, the first one counted' }),
  first: duration(1).prefault('1s').meta({ description: 'The pause before the second attempt' }),
  factor: z.number().min(1).max(100).default(2).meta({ description: 'By which each pause is longer' }),
  max: duration(1).prefault('1m').meta({ description: 'The longest pause' }),
  never: z.array(z.string().min(1)).default([]).meta({ description: 'Codes that are not tried again' }),
}).transform(({ attempts, first, factor, max, never }) => ({
  attempts,
  firstMs: first,
  factor,
  maxMs: Math.max(first, max),
  never,
}));

const timeout = closed({
  chunk: duration(1000).prefault('30m').meta({ description: 'Of one attempt at a chunk activity' }),
  heartbeat: duration(1000, DAY_MS)
    .prefault('10s')
    .meta({ description: 'Without a sign of life a worker is taken for dead' }),
  job: duration(1000).prefault('7d').meta({ description: 'Of the whole job' }),
}).transform(({ chunk, heartbeat, job }) => ({ chunkMs: chunk, heartbeatMs: heartbeat, jobMs: job }));

const rejects = closed({
  action: z
    .enum(['fail', 'skip', 'quarantine'])
    .default('fail')
    .meta({ description: 'What becomes of rejected records' }),
  tolerate: tolerance.optional().meta({ description: 'A count or a percentage; default: all, with fail none' }),
}).transform(({ action, tolerate }) => ({ action, tolerate: tolerate ?? (action === 'fail' ? { count: 0 } : null) }));

const fairness = closed({
  key: z
    .string()
    .min(1)
    .refine((key) => Buffer.byteLength(key) <= 64, { error: 'longer than 64 bytes' })
    .meta({ description: 'Such as a tenant: those of one key share what there is' }),
  weight: z.number().min(0.001).max(1000).default(1).meta({ description: 'Its share beside those of others' }),
});

const retention = closed({
  result: duration(1000, 3650 * DAY_MS)
    .prefault('30d')
    .meta({ description: 'After the end: what the API serves' }),
  work: duration(1000, 3650 * DAY_MS)
    .prefault('30d')
    .meta({ description: 'After the end: what a retry needs' }),
}).transform(({ result, work }) => ({ resultMs: result, workMs: work }));

const start = z
  .union([closed({ delay: duration(0) }), closed({ at: z.iso.datetime({ offset: true }) })], {
    error: ({ input }) => `wanted { delay: "10m" } or { at: "2026-12-01T06:00:00Z" }, found ${shown(input)}`,
  })
  .transform((given) => ('at' in given ? { at: new Date(given.at).toISOString() } : { delayMs: given.delay }));

const options = closed({
  chunk: chunk.default('auto').meta({ description: 'The size of a chunk' }),
  concurrency: z
    .union([z.literal('auto'), z.int().min(1).max(10_000)], {
      error: ({ input }) => `wanted "auto" or a whole number from 1 to 10000, found ${shown(input)}`,
    })
    .default('auto')
    .meta({ description: 'Chunk activities at once, over all workers' }),
  retry: retry.prefault({}),
  timeout: timeout.prefault({}),
  rejects: rejects.prefault({}),
  retention: retention.prefault({}),
  failedChunks: closed({
    tolerate: tolerance
      .default({ count: 0 })
      .meta({ description: 'Chunks that may fail for good: a count or a percentage; default: none' }),
  })
    .transform(({ tolerate }) => tolerate)
    .optional(),
  rate: rate.optional().meta({ description: 'Per s, m or h; of the whole job, over all workers' }),
  start: start.optional().meta({ description: 'Pending until then' }),
  expires: duration(1000).optional().meta({ description: 'Taken by no worker by then: it does nothing and fails' }),
  notify: notifyUrls.optional().meta({ description: 'Webhooks told how it ended' }),
  priority: z.int().min(1).max(5).default(3).meta({ description: '1 is first' }),
  fairness: fairness.optional(),
}).transform(({ expires, ...others }) => ({ ...others, ...(expires !== undefined && { expiresMs: expires }) }));

const shape = {
  name: z
    .string()
    .min(1)
    .max(200)
    // The server's search cannot find values with these.
    .refine((name) => /^(?!')[^\p{Cc}"\\]+(?<!')$/u.test(name), {
      error: ({ input }) => `${NAME_RULE}, found ${shown(input)}`,
    })
    .optional()
    .meta({ description: 'Shown everywhere; default: processor and source' }),
  source,
  process: closed({
    use: z.string().min(1).max(200).meta({ description: 'sql, or the name of a processor that workers have' }),
    with: z.record(z.string(), z.unknown()).default({}).meta({ description: 'Its parameters' }),
  }),
  sink: sink.optional(),
  options: options.prefault({}),
};

/** The job spec as callers write it. The OpenAPI document shows its input side. */
export const jobSpecSchema = closed(shape);
const internalSchema = closed({ ...shape, source: internalSource });

/**
 * The canonical form of a job spec.
 * @param input what a caller wrote, as plain JSON data
 * @param mode `internal` also takes `source.itemsKey`, which only this program writes
 * @throws MillraceError `spec.invalid` with one issue a fault, `spec.unsupported`
 */
export function parseSpec(input: unknown, mode: { internal?: boolean } = {}): JobSpec {
  if (!isPlainObject(input)) {
    throw invalid([{ path: '', at: '', message: `wanted an object, found ${shown(input)}` }]);
  }
  const given = Object.fromEntries(
    Object.entries(input).map(([key, value]) => [key, isPlainObject(value) ? { ...value } : value]),
  );
  const unsupported = takeUnsupported(given);
  if (unsupported) {
    const { path, value, instead } = unsupported;
    const message = `${dotted(path)} (${shown(value)}) is not supported by this version; ${instead ?? 'leave it out'}`;
    throw new MillraceError('spec.unsupported', message, { issues: [{ path: pointer(path), message }] });
  }
  const parsed = (mode.internal ? internalSchema : jobSpecSchema).safeParse(given, { error: wording });
  if (!parsed.success) throw invalid(toIssues(parsed.error));

  const { name, source, process, sink, options } = parsed.data;
  const sourceSpec: SourceSpec = source;
  const { uri, job, items, itemsKey } = sourceSpec;
  const count = [uri, job, items, itemsKey].filter((one) => one !== undefined).length;
  if (count !== 1) {
    const found = count === 0 ? 'found none of them' : `found ${count} of them`;
    throw invalid([{ path: '/source', at: 'source', message: `wanted one of uri, job and items, ${found}` }]);
  }
  checkTable(sourceSpec);
  checkPages(sourceSpec);
  if (sink?.table) checkTarget(sink.uri);
  return {
    name: name ?? defaultName(process.use, sourceSpec),
    source: sourceSpec,
    process,
    ...(sink && { sink }),
    options,
  };
}

function checkTarget(uri: string): void {
  if (parseTableUri(uri).table) return;
  throw invalid([
    { path: '/sink/uri', at: 'sink.uri', message: 'wanted postgres://NAME/schema.table, found no table' },
  ]);
}

function sourceFault(field: string, message: string): MillraceError {
  return invalid([{ path: `/source/${field}`, at: `source.${field}`, message }]);
}

/** @throws MillraceError `spec.invalid`, `source.secret_in_uri`, `source.bad_uri` */
function checkTable({ uri = [], query, key, format, incremental }: SourceSpec): void {
  const tables = uri.filter(isTableUri);
  if (tables.length === 0) {
    if (query !== undefined) throw sourceFault('query', 'wanted together with source.uri: postgres://NAME');
    if (key !== undefined) throw sourceFault('key', 'wanted of a postgres: source only');
    return;
  }
  if (uri.length > 1) throw sourceFault('uri', 'a table is a source by itself; wanted one postgres: URL');
  const { table } = parseTableUri(tables[0]!);
  if (query === undefined && !table) throw sourceFault('uri', 'wanted postgres://NAME/schema.table, or source.query');
  if (query !== undefined && table)
    throw sourceFault('query', 'wanted with postgres://NAME alone, found a table there too');
  if (format !== undefined) throw sourceFault('format', 'a table has no format; leave it out');
  if (incremental) throw sourceFault('incremental', 'is of files and objects; name what is new in source.query');
}

/** @throws MillraceError `spec.invalid` */
function checkPages({ uri = [], pages, format, compression, encoding, incremental }: SourceSpec): void {
  if (!pages) return;
  const [only, ...others] = uri;
  if (others.length > 0 || !/^https?:/i.test(only ?? '') || !URL.canParse(only!))
    throw sourceFault('pages', 'wanted with one http: or https: URL as source.uri');
  if (format !== undefined && format !== 'json') throw sourceFault('format', 'pages are json; leave it out');
  if (compression !== undefined) throw sourceFault('compression', 'pages have none; leave it out');
  if (encoding !== undefined) throw sourceFault('encoding', 'pages are UTF-8; leave it out');
  if (incremental)
    throw sourceFault('incremental', 'is of files and objects; ask for what is new by a template in source.uri');
}

/** Only the runs of a schedule have runs before them. @throws MillraceError `spec.invalid` */
export function refuseIncremental({ source }: JobSpec): void {
  if (source.incremental)
    throw sourceFault('incremental', 'wanted in the spec of a schedule, whose runs take each file once');
}

/** The format that a file's name tells; undefined where it tells none. */
export function formatOf(name: string): SinkFormat | undefined {
  const extension = /\.([a-z0-9]+)$/i.exec(name.replace(/\.gz$/i, ''))?.[1]?.toLowerCase();
  if (extension === 'csv' || extension === 'ndjson' || extension === 'parquet') return extension;
  return extension === 'jsonl' ? 'ndjson' : undefined;
}

/** sha256 (hex) of the canonical spec as JSON with sorted keys: the same for every way of writing the same job. */
export function specDigest(spec: JobSpec): string {
  return digestOf(spec);
}

/** Of a value of JSON, whatever the order of its keys. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value, sortedKeys)).digest('hex');
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function defaultName(processor: string, source: SourceSpec): string {
  const stem = source.uri ? stemOf(source.uri[0]!) : (source.job ?? 'items');
  return `${processor}-${stem}`.replace(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, 100);
}

/** The last part of a path that is more than a pattern, without its extension. */
function stemOf(uri: string): string {
  if (isTableUri(uri)) return parseTableUri(uri).table?.at(-1) ?? parseTableUri(uri).connection;
  const parts = shownUri(uri)
    .split('/')
    .map((part) => part.replace(/\.[a-z0-9]+$/i, '').replace(/[*?{}[\]()!]+/g, ''));
  return parts.filter((part) => /[\p{L}\p{N}]/u.test(part)).at(-1) ?? 'data';
}

function invalid(issues: Array<{ path: string; at: string; message: string }>): MillraceError {
  const first = issues[0]!;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return new MillraceError('spec.invalid', `${first.at || 'job spec'}: ${first.message}${more}`, {
    issues: issues.map(({ path, message }) => ({ path, message })),
  });
}
