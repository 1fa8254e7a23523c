/** JSON APIs that give their records page by page, as sources. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PlanView } from '../../src/core/job.js';
import { apiOver } from '../helpers/api-over.js';
import { startEngine } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { startFileServer } from '../helpers/file-server.js';
import type { FileServer } from '../helpers/file-server.js';

let engine: Engine;
let server: FileServer;
beforeAll(async () => {
  server = await startFileServer();
  engine = await startEngine('pages', { httpAllow: [server.host] });
});
beforeEach(() => void Object.assign(server, { trouble: null, asked: [] }));
afterAll(async () => {
  await engine.stop();
  await server.close();
});

const RECORDS = 95;
const PER_PAGE = 10;
const PAGES = 10;
const pass = { use: 'pass' };
const records = Array.from({ length: RECORDS }, (_, n) => ({ n, text: `line\n${n}, "ü"` }));
const pageOf = (number: number) => records.slice((number - 1) * PER_PAGE, number * PER_PAGE);

/** Answers every page by `answer`, which sees the query. */
function api(answer: (query: URLSearchParams, response: ServerResponse, request: IncomingMessage) => unknown): void {
  server.trouble = (request, response) => {
    const body = answer(new URL(request.url!, 'http://x').searchParams, response, request);
    if (!response.writableEnded) response.end(typeof body === 'string' ? body : JSON.stringify(body));
    return true;
  };
}
const byNumber = (query: URLSearchParams) => pageOf(Number(query.get('page') ?? 1));
const source = (pages: unknown, more: object = {}) => ({ uri: `${server.url}/v1/records?size=10`, pages, ...more });
const count = {
  use: 'sql',
  with: {
    map: 'select count(*) n, sum(n) s from chunk',
    reduce: 'select sum(n)::int n, sum(s)::int s from partials',
  },
};
const TOTAL = [{ n: RECORDS, s: (RECORDS * (RECORDS - 1)) / 2 }];

describe('a paged API', () => {
  it('is followed by its Link header, in order, and leaves no copy behind', async () => {
    api((query, response) => {
      const page = Number(query.get('page') ?? 1);
      expect(query.get('size')).toBe('10');
      const next = page < PAGES ? `, <?size=10&page=${page + 1}>; title="a, b"; rel="last next"` : '';
      response.setHeader('link', `<${server.url}/first>; rel=first${next}`);
      return pageOf(page);
    });
    const { id, rows, counts, manifestFile } = await engine.run({ source: source('link'), process: pass });
    expect(rows).toEqual(records);
    expect(counts).toMatchObject({ in: RECORDS, rejected: 0 });
    // The first one is looked at before, for its columns.
    expect(server.asked.length).toBe(1 + PAGES);
    expect(manifestFile.sources).toMatchObject([{ uri: `${server.url}/v1/records` }]);
    expect((await engine.workOf(id)).filter((key) => key.includes('source/'))).toEqual([]);
    expect(await engine.staging()).toEqual([]);
  });

  it.each([
    ['put into a parameter', { cursor: '/meta/next', param: 'after' }, (after: number) => after],
    ['as a URL', { cursor: '/meta/next' }, (after: number) => `?size=10&after=${after}`],
    ['as a whole URL', { cursor: '/meta/next' }, (after: number) => `${server.url}/other?after=${after}`],
  ])('is followed by a value in the page, %s', async (_, pages, next) => {
    api((query) => {
      const from = Number(query.get('after') ?? 0);
      const until = from + PER_PAGE;
      return { data: { items: records.slice(from, until) }, meta: { next: until < RECORDS ? next(until) : null } };
    });
    const { rows } = await engine.run({ source: source(pages, { json: { pointer: '/data/items' } }), process: count });
    expect(rows).toEqual(TOTAL);
  });

  it('keeps every digit of a cursor and of a record', async () => {
    const [first, second] = ['9007199254740993', '9007199254740995'];
    api((query) =>
      query.get('after') === null
        ? `{"items": [{"id": ${first}, "price": 1.10}], "next": ${second}}`
        : query.get('after') === second
          ? `{"items": [ {"id": ${second},\n "price": 2.0e1} ]}`
          : '{"items": []}',
    );
    const sink = { uri: engine.at('digits.ndjson') };
    await engine.run({
      source: source({ cursor: '/next', param: 'after' }, { json: { pointer: '/items' } }),
      process: pass,
      sink,
    });
    expect(await engine.read('digits.ndjson')).toContain(`{"id":${first},`);
    expect(await engine.read('digits.ndjson')).toContain(`{"id":${second},`);
  });

  it.each([
    ['pages', { number: 'page' }, byNumber],
    [
      'records passed over',
      { number: 'offset', first: 0, step: PER_PAGE },
      (query: URLSearchParams) => records.slice(Number(query.get('offset')), Number(query.get('offset')) + PER_PAGE),
    ],
  ])('is counted by %s, until a page is empty', async (_, pages, answer) => {
    api(answer);
    expect((await engine.run({ source: source(pages), process: count })).rows).toEqual(TOTAL);
    expect(server.asked.length).toBe(1 + PAGES + 1);
  });

  it('that is empty gives an empty result', async () => {
    api(() => []);
    const { counts, rows } = await engine.run({ source: source('link'), process: pass });
    expect([counts.in, rows]).toEqual([0, []]);
  });

  it('has its bad records rejected by name', async () => {
    api((query) => (query.get('page') === '1' ? [{ n: 1 }, 7, { n: 2 }] : []));
    const options = { rejects: { action: 'quarantine' } };
    const { counts, rejected } = await engine.run({ source: source({ number: 'page' }), process: pass, options });
    expect(counts).toMatchObject({ in: 3, rejected: 1 });
    expect(rejected).toMatchObject([{ source: `${server.url}/v1/records`, line: 2, raw: '7' }]);
  });

  it('is waited for as long as it asks', async () => {
    let refused = 0;
    api((query, response) => {
      if (query.get('page') === '3' && refused++ < 2) {
        response.writeHead(429, { 'retry-after': refused === 1 ? '1' : new Date(Date.now() + 1000).toUTCString() });
        return '';
      }
      return byNumber(query);
    });
    const begun = Date.now();
    expect((await engine.run({ source: source({ number: 'page' }), process: count })).rows).toEqual(TOTAL);
    expect(Date.now() - begun).toBeGreaterThan(1000);
    expect(refused).toBe(3);
  });

  it('that fails on its way is gone on with by a retry, at the pages that are missing', async () => {
    let broken = true;
    const wide = 'x'.repeat(1024 * 1024);
    api((query, response) => {
      const page = Number(query.get('page'));
      if (page > 18 && broken) response.writeHead(400);
      return page > 20 ? [] : [{ n: page, wide }];
    });
    const failed = await engine.fail({ source: source({ number: 'page' }), process: count });
    expect(failed).toMatchObject({
      code: 'source.unreadable',
      message: expect.stringContaining('answered 400') as string,
    });
    expect((await engine.workOf(failed.id)).filter((key) => key.includes('pages/')).length).toBe(4);
    broken = false;
    server.asked.length = 0;
    expect((await engine.retried(failed.id)).rows).toEqual([{ n: 20, s: 210 }]);
    // Two files of eight pages were there.
    expect(server.asked.length).toBeLessThan(10);
  });

  it('shows its first page in a plan, and is refused there with what is wrong', async () => {
    const app = await apiOver(engine);
    const plan = async (spec: object) => {
      const body = JSON.stringify({ ...spec, process: pass });
      const headers = { 'content-type': 'application/json' };
      return (await app.request('/v1/plan', { method: 'POST', headers, body })).json() as Promise<unknown>;
    };
    api(byNumber);
    const view = (await plan({ source: source({ number: 'page' }) })) as PlanView;
    expect(view).toMatchObject({ format: 'json', records: PER_PAGE, sample: pageOf(1) });
    expect(view.columns).toEqual([
      { name: 'n', type: 'int' },
      { name: 'text', type: 'string' },
    ]);
    expect(view.warnings).toEqual([
      expect.stringMatching(/first page has 10 records .* how many there are is known then/),
    ]);
    api(() => ({ error: 'no' }));
    expect(await plan({ source: source('link') })).toMatchObject({ code: 'source.not_an_array' });
  });

  it.each([
    [
      'is a ring',
      'link',
      (query: URLSearchParams, response: ServerResponse) => {
        const page = Number(query.get('page') ?? 0);
        response.setHeader('link', `<?page=${page < 6 ? page + 1 : 3}>; rel="next"`);
        return [{ page }];
      },
      'source.pages_endless',
    ],
    ['knows no page', { number: 'page' }, () => [{ n: 1 }], 'source.pages_endless'],
    ['is no JSON', 'link', () => '[{"n": 1}', 'source.truncated'],
    ['has another cursor', { cursor: '/next' }, () => '{"next": {"a": 1}, "items": []}', 'source.bad_cursor'],
    ['has a cursor that is no URL', { cursor: '/next' }, () => '{"next": "http://", "items": []}', 'source.bad_cursor'],
    [
      'is not there',
      'link',
      (_: unknown, response: ServerResponse) => void response.writeHead(404),
      'source.not_found',
    ],
    [
      'leads to a private address',
      'link',
      (_: unknown, response: ServerResponse) => {
        response.setHeader('link', '<http://127.0.0.2/>; rel=next');
        return [];
      },
      'source.address_blocked',
    ],
    ['leads to a file', { cursor: '/next' }, () => '{"next": "file:///etc/passwd", "items": []}', 'source.scheme'],
  ])('that %s fails by name', async (_, pages, answer, code) => {
    api(answer);
    const json = typeof pages === 'object' && 'cursor' in pages ? { json: { pointer: '/items' } } : {};
    expect(await engine.fail({ source: source(pages, json), process: pass })).toMatchObject({ code });
  });

  it('whose page does not end is too large', async () => {
    server.trouble = ({ socket }, response) => {
      const block = Buffer.alloc(1024 * 1024, ' ');
      const more = () => void (socket.destroyed || response.write(block, more));
      more();
      return true;
    };
    expect(await engine.fail({ source: source('link'), process: pass })).toMatchObject({
      code: 'source.page_too_large',
    });
  });

  it.each([
    [{ uri: 'data/x.json', pages: 'link' }, '/source/pages'],
    [{ uri: ['http://a/', 'http://b/'], pages: 'link' }, '/source/pages'],
    [{ items: [{}], pages: 'link' }, '/source/pages'],
    [{ uri: 'http://a/', pages: 'next' }, '/source/pages'],
    [{ uri: 'http://a/', pages: { cursor: 'meta.next' } }, '/source/pages/cursor'],
    [{ uri: 'http://a/', pages: 'link', format: 'csv' }, '/source/format'],
    [{ uri: 'http://a/', pages: 'link', compression: 'gzip' }, '/source/compression'],
    [{ uri: 'http://a/', pages: 'link', encoding: 'latin1' }, '/source/encoding'],
  ])('is refused before anything starts: %j', async (given, path) => {
    const app = await apiOver(engine);
    const body = JSON.stringify({ source: given, process: pass });
    const headers = { 'content-type': 'application/json' };
    const answer = await app.request('/v1/jobs', { method: 'POST', headers, body });
    expect([answer.status, await answer.json()]).toMatchObject([422, { code: 'spec.invalid', errors: [{ path }] }]);
  });
});
