import { afterAll, beforeAll, expect, it } from 'vitest';
import { startService } from './support/service.js';
import type { Service } from './support/service.js';

let service: Service;
beforeAll(async () => {
  service = await startService({ rateLimit: 5, cors: ['https://board.example'] });
});
afterAll(() => service?.stop());

it('a caller that asks too often is told how long to wait, and is served again then', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, async () => service.app.request('/v1/caller')));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
  const refused = answers.find(({ status }) => status === 429)!;
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await refused.json()).toMatchObject({ code: 'request.too_many', status: 429 });
  expect((await service.app.request('/healthz')).status).toBe(200);
  await expect.poll(async () => (await service.app.request('/v1/caller')).status).toBe(200);
});

it('a page is one request, whatever it asks inside', async () => {
  await expect.poll(async () => (await service.app.request('/v1/caller')).status).toBe(200);
  const page = await service.app.request('/schedules', { headers: { accept: 'text/html' } });
  expect(page.status).toBe(200);
});

it('pages of origins that were named may ask, those of others may not', async () => {
  await expect.poll(async () => (await service.app.request('/v1/caller')).status).toBe(200);
  const preflight = (origin: string) =>
    service.app.request('/v1/jobs', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    });
  const allowed = await preflight('https://board.example');
  expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, 'https://board.example']);
  expect(allowed.headers.get('access-control-allow-credentials')).toBeNull();
  const refused = await preflight('https://evil.example');
  expect(refused.headers.get('access-control-allow-origin')).toBeNull();
});
