import { Hono } from 'hono';
import { afterEach, expect, it, vi } from 'vitest';
import { streamEvents } from '../../src/api/event-stream.js';
import type { JobWatch } from '../../src/api/job-watch.js';

afterEach(() => vi.useRealTimers());

/** A job of which nothing is to be told. */
const quiet: JobWatch = { watch: () => () => undefined };

it('a stream ends with what let its caller in', async () => {
  vi.useFakeTimers();
  let good = true;
  const app = new Hono();
  app.get('/', (c) => streamEvents(c, quiet, { id: 'j', caller: { holds: () => Promise.resolve(good) } }));
  const reader = (await app.request('/')).body!.getReader();
  const text = async () => new TextDecoder().decode((await reader.read()).value);
  expect(await text()).toMatch(/^retry:/);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(await text()).toBe(': keep-alive\n\n');
  good = false;
  await vi.advanceTimersByTimeAsync(15_000);
  expect(await text()).toBe(': keep-alive\n\n');
  expect(await reader.read()).toEqual({ value: undefined, done: true });
});
