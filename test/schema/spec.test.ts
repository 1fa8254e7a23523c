import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../src/core/errors.js';
import { formatOf, parseSpec, specDigest } from '../../src/schema/spec.js';

const minimal = { source: { uri: 'data/flights.csv' }, process: { use: 'sql', with: { map: 'select 1' } } };

function refusal(input: unknown): MillraceError {
  try {
    parseSpec(input);
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('parseSpec fills in every default', () => {
  it('of a minimal spec', () => {
    expect(parseSpec(minimal)).toEqual({
      name: 'sql-flights',
      source: {
        uri: ['data/flights.csv'],
        csv: { delimiter: ',', quote: '"', header: true, nullValues: [''], types: {} },
      },
      process: { use: 'sql', with: { map: 'select 1' } },
      options: {
        chunk: 'auto',
        concurrency: 'auto',
        retry: { attempts: 5, firstMs: 1000, factor: 2, maxMs: 60_000, never: [] },
        timeout: { chunkMs: 1_800_000, heartbeatMs: 10_000, jobMs: 604_800_000 },
        rejects: { action: 'fail', tolerate: { count: 0 } },
        retention: { resultMs: 2_592_000_000, workMs: 2_592_000_000 },
        priority: 3,
      },
    });
  });

  it('of a full one, with human units', () => {
    const spec = parseSpec({
      name: 'delays',
      source: {
        uri: ['a.csv', 'b/*.csv'],
        format: 'csv',
        compression: 'auto',
        csv: { delimiter: ';', types: { n: 'int' } },
      },
      process: { use: 'sql', with: { map: 'm', reduce: 'r' } },
      sink: { uri: 'out/delays.parquet' },
      options: {
        chunk: { bytes: '64MiB' },
        concurrency: 16,
        retry: { attempts: 3, first: '250ms', max: '30s', never: ['X'] },
        timeout: { chunk: '10m', heartbeat: '5s', job: '1d' },
        rejects: { action: 'quarantine', tolerate: '0.1%' },
        order: 'source',
        priority: 1,
        fairness: { key: 'tenant-a' },
      },
    });
    expect(spec.sink).toEqual({ uri: 'out/delays.parquet', format: 'parquet', ifExists: 'error' });
    expect(spec.options).toMatchObject({
      chunk: { bytes: 67_108_864 },
      retry: { attempts: 3, firstMs: 250, maxMs: 30_000, never: ['X'] },
      timeout: { chunkMs: 600_000, heartbeatMs: 5000, jobMs: 86_400_000 },
      rejects: { action: 'quarantine', tolerate: { share: 0.001 } },
      fairness: { key: 'tenant-a', weight: 1 },
    });
    expect(spec.options).not.toHaveProperty('order');
    expect(spec.source.compression).toBeUndefined();
  });

  it('skip and quarantine bear any number of rejects unless told otherwise', () => {
    const tolerate = (rejects: unknown) => parseSpec({ ...minimal, options: { rejects } }).options.rejects.tolerate;
    expect(tolerate({ action: 'skip' })).toBeNull();
    expect(tolerate({ action: 'quarantine' })).toBeNull();
    expect(tolerate({ action: 'quarantine', tolerate: 500 })).toEqual({ count: 500 });
    expect(tolerate({})).toEqual({ count: 0 });
  });

  it('limits the rate and bears failed chunks where that is asked for', () => {
    const { rate, failedChunks } = parseSpec({
      ...minimal,
      options: { rate: { records: '30/m' }, failedChunks: { tolerate: '5%' } },
    }).options;
    expect([rate, failedChunks]).toEqual([{ records: 0.5 }, { share: 0.05 }]);
  });

  it.each([
    ['data/flights/*.csv', 'sql-flights'],
    ['**/*.csv', 'sql-data'],
    ['été 2024.csv', 'sql-été-2024'],
    ['file:///a/b/c.ndjson', 'sql-c'],
  ])('names the job after the source %s: %s', (uri, name) => {
    expect(parseSpec({ ...minimal, source: { uri } }).name).toBe(name);
  });

  it('does not change what it was given', () => {
    const given = Object.freeze({ ...minimal, options: Object.freeze({ order: 'source' }) });
    parseSpec(given);
    expect(given.options).toEqual({ order: 'source' });
  });
});

describe('parseSpec refuses', () => {
  const bad = (changes: Record<string, unknown>) => ({ ...minimal, ...changes });
  const options = (value: unknown) => bad({ options: value });
  const csv = (value: unknown) => bad({ source: { uri: 'a.csv', csv: value } });

  it.each<[unknown, string, string]>([
    [null, '', 'job spec: wanted an object, found null'],
    [[], '', 'job spec: wanted an object, found []'],
    [bad({ sorce: 1 }), '/sorce', 'job spec: unknown key "sorce"; did you mean "source"?'],
    [bad({ zzz: 1 }), '/zzz', 'job spec: unknown key "zzz"; known here: name, source, process, sink, options'],
    [{ process: { use: 'sql' } }, '/source', 'source: missing; wanted an object'],
    [bad({ source: {} }), '/source', 'source: wanted one of uri, job and items, found none of them'],
    [
      bad({ sink: { uri: 'a.csv', compression: 'zstd' } }),
      '/sink/compression',
      'sink.compression: wanted auto, none or gzip for csv, found "zstd"',
    ],
    [bad({ source: { job: '../x' } }), '/source/job', 'source.job: wanted the id of a job, found "../x"'],
    [
      bad({ source: { uri: 'a.csv', items: [{}] } }),
      '/source',
      'source: wanted one of uri, job and items, found 2 of them',
    ],
    [bad({ source: { uri: [] } }), '/source/uri', 'source.uri: wanted at least 1 entry, found 0'],
    [bad({ source: { uri: 7 } }), '/source/uri', 'source.uri: wanted a path or a list of 1 to 1000 paths, found 7'],
    [bad({ source: { items: [{}, 5] } }), '/source/items/1', 'source.items[1]: wanted an object, found 5'],
    [bad({ source: { items: [] } }), '/source/items', 'source.items: wanted at least 1 entry, found 0'],
    [bad({ source: { itemsKey: 'x' } }), '/source/itemsKey', 'source: unknown key "itemsKey"; did you mean "items"?'],
    [
      bad({ source: { uri: 'a', format: 'xml' } }),
      '/source/format',
      'source.format: wanted one of "csv", "ndjson", "json", "parquet", found "xml"',
    ],
    [
      bad({ sink: { uri: 'out.csv', rowGroupRows: 5000 } }),
      '/sink/rowGroupRows',
      'sink.rowGroupRows: only parquet has row groups, the sink is csv; leave it out',
    ],
    [
      csv({ delimiter: ';;' }),
      '/source/csv/delimiter',
      'source.csv.delimiter: the delimiter is one ASCII character and no line end, or auto, found ";;"',
    ],
    [
      csv({ delimiter: '"' }),
      '/source/csv/quote',
      'source.csv.quote: the quote and the delimiter are the same character',
    ],
    [
      csv({ header: false }),
      '/source/csv/columns',
      'source.csv.columns: missing; a file without header needs the names of its columns',
    ],
    [
      csv({ columns: ['a', 'a'] }),
      '/source/csv/columns',
      'source.csv.columns: the same column name stands there twice',
    ],
    [
      csv({ types: { n: 'integer' } }),
      '/source/csv/types/n',
      'source.csv.types.n: wanted one of "int", "float", "bool", "date", "timestamp", "string", found "integer"',
    ],
    [
      bad({ process: { use: 'sql', withs: {} } }),
      '/process/withs',
      'process: unknown key "withs"; did you mean "with"?',
    ],
    [bad({ process: { with: {} } }), '/process/use', 'process.use: missing; wanted a text'],
    [
      bad({ sink: { uri: 'out/' } }),
      '/sink/format',
      'sink.format: missing; a folder of parts needs csv, ndjson, parquet',
    ],
    [
      bad({ sink: { uri: 'out/x.tsv.gz' } }),
      '/sink/format',
      'sink.format: the name "out/x.tsv.gz" does not tell the format; name it .csv, .ndjson or .parquet, or set sink.format',
    ],
    [
      options({ chunk: { bytes: 'lots' } }),
      '/options/chunk',
      'options.chunk: wanted "auto", { bytes: "64MiB" } or { rows: 10000 }, found {"bytes":"lots"}',
    ],
    [
      options({ chunk: { bytes: 1, rows: 1 } }),
      '/options/chunk',
      'options.chunk: wanted either bytes or rows, found both',
    ],
    [options({ concurrency: 0 }), '/options/concurrency', 'options.concurrency: wanted at least 1, found 0'],
    [
      options({ retry: { attempts: 0 } }),
      '/options/retry/attempts',
      'options.retry.attempts: wanted at least 1, found 0',
    ],
    [
      options({ retry: { attempts: 'x' } }),
      '/options/retry/attempts',
      'options.retry.attempts: wanted a number, found "x"',
    ],
    [
      options({ retry: { first: '10' } }),
      '/options/retry/first',
      'options.retry.first: wanted a duration such as "10s", "30m" or "7d", found "10"',
    ],
    [
      options({ timeout: { job: '2y' } }),
      '/options/timeout/job',
      'options.timeout.job: wanted a duration such as "10s", "30m" or "7d", found "2y"',
    ],
    [
      options({ timeout: { heartbeat: '10ms' } }),
      '/options/timeout/heartbeat',
      'options.timeout.heartbeat: wanted at least 1000 ms, found "10ms"',
    ],
    [
      options({ rate: { records: '500' } }),
      '/options/rate',
      'options.rate: wanted { records: "500/s" } or { chunks: "30/m" }, per s, m or h, found {"records":"500"}',
    ],
    [
      options({ rejects: { tolerate: '101%' } }),
      '/options/rejects/tolerate',
      'options.rejects.tolerate: wanted a count such as 500 or a percentage such as "0.1%", found "101%"',
    ],
    [
      options({ rejects: { action: 'ignore' } }),
      '/options/rejects/action',
      'options.rejects.action: wanted one of "fail", "skip", "quarantine", found "ignore"',
    ],
    [options({ priority: 6 }), '/options/priority', 'options.priority: wanted at most 5, found 6'],
    [
      options({ fairness: { key: 'é'.repeat(33) } }),
      '/options/fairness/key',
      'options.fairness.key: longer than 64 bytes',
    ],
    [options({ retries: {} }), '/options/retries', 'options: unknown key "retries"; did you mean "retry"?'],
    ...['a\nb', 'a"b', 'a\\b', "'a", "a'"].map((name): [unknown, string, string] => [
      bad({ name }),
      '/name',
      `name: wanted a text without control characters, double quotes, backslashes and quotes around it, found ${JSON.stringify(name)}`,
    ]),
  ])('%j at %s', (input, path, message) => {
    const error = refusal(input);
    expect(error.code).toBe('spec.invalid');
    expect(error.message).toBe(message);
    expect(error.issues[0]!.path).toBe(path);
  });

  it('with every fault at once', () => {
    const error = refusal({
      source: { uri: 'a.csv' },
      process: { use: '' },
      options: { priority: 9, retry: { factor: 0 } },
    });
    expect(error.issues.map((issue) => issue.path)).toEqual([
      '/process/use',
      '/options/retry/factor',
      '/options/priority',
    ]);
    expect(error.message).toMatch(/ \(and 2 more\)$/);
  });

  it('items beyond 1 MiB', () => {
    const error = refusal({ ...minimal, source: { items: [{ text: 'x'.repeat(1024 * 1024) }] } });
    expect(error.message).toBe(
      'source.items: 1048589 bytes as JSON, at most 1048576; write them to a file and name it in source.uri',
    );
  });

  it.each<[unknown, string, string]>([
    [
      options({ order: 'any' }),
      '/options/order',
      'options.order ("any") is not supported by this version; leave it out',
    ],
    [
      bad({ process: { use: 'http', with: {} } }),
      '/process/use',
      'process.use ("http") is not supported by this version; write a processor that makes the call',
    ],
  ])('what it does not do yet: %j', (input, path, message) => {
    const error = refusal(input);
    expect([error.code, error.message, error.issues[0]!.path]).toEqual(['spec.unsupported', message, path]);
  });

  it('anything at all without throwing anything else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json().map((text) => JSON.parse(text) as unknown),
          specLike(),
        ),
        (input) => {
          try {
            parseSpec(input);
          } catch (error) {
            expect(error).toBeInstanceOf(MillraceError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

function specLike() {
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('10s', '64MiB', 'csv', 'a.csv', {}, []));
  return fc.record(
    {
      name: value,
      source: fc.dictionary(fc.constantFrom('uri', 'items', 'csv', 'format', '__proto__'), value),
      process: value,
      sink: value,
      options: value,
    },
    { requiredKeys: [] },
  );
}

describe('what this program writes itself', () => {
  it('may refer to items in the work area', () => {
    const spec = parseSpec({ ...minimal, source: { itemsKey: 'j-1/items.ndjson' } }, { internal: true });
    expect(spec.source.itemsKey).toBe('j-1/items.ndjson');
  });
});

describe('specDigest', () => {
  it('is the same for every way of writing the same job', () => {
    const a = parseSpec({ ...minimal, options: { timeout: { chunk: '30m' }, chunk: { bytes: '1KiB' } } });
    const b = parseSpec({
      options: { chunk: { bytes: 1024 } },
      process: minimal.process,
      source: { uri: ['data/flights.csv'] },
    });
    expect(specDigest(a)).toBe(specDigest(b));
    expect(specDigest(a)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('differs where the job differs', () => {
    const other = parseSpec({ ...minimal, process: { use: 'sql', with: { map: 'select 2' } } });
    expect(specDigest(other)).not.toBe(specDigest(parseSpec(minimal)));
  });
});

describe('formatOf', () => {
  it.each([
    ['a.csv', 'csv'],
    ['a.CSV', 'csv'],
    ['a.jsonl', 'ndjson'],
    ['a.parquet', 'parquet'],
    ['a.json', undefined],
    ['csv', undefined],
  ])('%s: %s', (name, format) => expect(formatOf(name)).toBe(format));
});
