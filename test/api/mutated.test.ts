import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROUTES } from '../../src/api/routes.js';
import { problemSchema } from '../../src/schema/views.js';
import { startService } from './support/service.js';
import type { Service } from './support/service.js';

let service: Service;
let documented: Record<string, Record<string, { responses: Record<string, unknown> }>>;
beforeAll(async () => {
  service = await startService();
  const document = (await (await service.app.request('/openapi.json')).json()) as { paths: typeof documented };
  documented = document.paths;
});
afterAll(() => service?.stop());

const RUNS = 1000;
/** Of a test: those that go on until a server or a client ends them. */
const LONG = ['/v1/jobs/{id}/events', '/v1/plan', '/v1/schedules/{id}/trigger'];

const ASKED = ROUTES.filter(({ path }) => !LONG.includes(path)).map(({ method, path }) => ({ method, path }));

const strange = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    '\0',
    '..',
    '%2e%2e',
    '😀',
    'a'.repeat(2000),
    "' OR 1=1 --",
    '{{scheduledTime}}',
    'j-1',
    's:1',
    '1e999',
  ),
);
const json = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.constantFrom(
    '{"source":{"items":[{"__proto__":{"x":1}}]},"process":{"use":"sql","with":{"map":"select 1"}}}',
    '{"source":{"uri":"file:///etc/passwd"},"process":{"use":"sql","with":{"map":"select 1"}}}',
    '{"source":{"job":""},"process":{"use":"sql","with":{"map":"select 1"}}}',
    '{"id":"s","job":"","when":{"every":"1h"}}',
    '{"id":"s","spec":{},"when":{"cron":"* * * * *","every":"0s"}}',
  ),
);
const request = fc.record({
  route: fc.constantFrom(...ASKED),
  method: fc.option(fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'), { freq: 8 }),
  param: strange,
  query: fc.dictionary(fc.constantFrom('limit', 'cursor', 'state', 'since', 'name', 'count', 'until', 'x'), strange, {
    maxKeys: 3,
  }),
  type: fc.constantFrom('application/json', 'application/yaml', 'application/x-ndjson', 'text/html', ''),
  key: fc.option(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 300 })),
  body: fc.option(
    fc.oneof(
      json,
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.constantFrom(
        'a: &a [*a, *a]',
        '['.repeat(100_000),
        '- '.repeat(50_000),
        '? '.repeat(50_000),
        '{a: '.repeat(50_000),
        '&a '.repeat(50_000),
        `${'['.repeat(5000)}${']'.repeat(5000)}`,
      ),
    ),
  ),
});

it('whatever is asked, the answer is one that is documented, and never a fault of the service', async () => {
  await fc.assert(
    fc.asyncProperty(request, async ({ route, method: other, param, query, type, key, body }) => {
      const method = other ?? route.method.toUpperCase();
      const at = route.path.replace(/\{[^}]+\}/g, () => encodeURIComponent(param));
      const asked = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, value]));
      const response = await service.app.request(`${at}?${asked.toString()}`, {
        method,
        headers: { 'content-type': type, ...(key !== null && { 'idempotency-key': key }) },
        ...(body !== null && !['GET', 'HEAD'].includes(method) && { body }),
      });
      const text = await response.text();
      expect(response.status, text).not.toBe(500);
      if (response.status >= 400 && method !== 'HEAD') {
        expect(response.headers.get('content-type')).toBe('application/problem+json');
        problemSchema.parse(JSON.parse(text));
      }
      const known = documented[route.path]?.[method.toLowerCase()]?.responses;
      // Some of what is asked for is another path by then.
      if (known && !['', '.', '..'].includes(param))
        expect(Object.keys(known), `${method} ${at}: ${text}`).toContain(String(response.status));
    }),
    { numRuns: RUNS },
  );
  expect(service.logged).toEqual([]);
}, 60_000);
