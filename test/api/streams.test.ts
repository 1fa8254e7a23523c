import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JobView } from '../../src/core/job.js';
import { startService } from './support/service.js';
import type { Service } from './support/service.js';

/** A job that goes on until it is cancelled. */
const OPEN = { source: { items: [{ a: 1 }] }, process: { use: 'sql', with: { map: 'select * from chunk' } } };

let service: Service;
beforeAll(async () => {
  service = await startService({ streams: 3 });
});
afterAll(() => service?.stop());

it('streams beyond so many are sent away, and are taken again when one has closed', async () => {
  const events = (id: string) => service.app.request(`/v1/jobs/${id}/events`);
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(OPEN) };
  const { id } = (await (await service.app.request('/v1/jobs', init)).json()) as JobView;
  const streams = [await events(id), await events(id), await events(id)];
  expect(streams.map(({ status }) => status)).toEqual([200, 200, 200]);
  const refused = await events(id);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
  expect(await refused.json()).toMatchObject({ code: 'request.too_many_streams', link: `/v1/jobs/${id}` });
  await streams[0]!.body!.cancel();
  await expect.poll(async () => (await events(id)).status).toBe(200);
  await service.app.request(`/v1/jobs/${id}/cancel`, { method: 'POST' });
});
