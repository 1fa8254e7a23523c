/// <reference lib="dom" />
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import type { Browser, CDPSession, Page } from 'playwright-core';
import type { JobView } from '../src/core/job.js';
import { findBrowser } from '../test/helpers/find-browser.js';
import { call, median, residentMemory, type Services } from './harness.js';
import type { Line } from './report.js';
import { linesFile } from './scale.js';

const MINUTES = Number(process.env.WATCH_MINUTES ?? 60);
const SAMPLE_MS = 30_000;
/** The first minutes fill caches that do not grow further. */
const SETTLED = 4;
const LOADS = 7;
const CHUNKS = 100_000;
const LINE_BYTES = 24;
const MIB = 1024 * 1024;

/**
 * A page of a job of 100,000 chunks, open in a browser for an hour (`WATCH_MINUTES`) while the job goes on: how soon it can be used,
 * and how much memory it takes.
 */
export async function watching(services: Services): Promise<Line[]> {
  const { api } = services;
  const job = await call<JobView>(`${api}/v1/jobs`, {
    name: 'watching',
    source: {
      uri: await linesFile(CHUNKS, LINE_BYTES),
      csv: { header: false, columns: ['n', 'text'], types: { n: 'string' } },
    },
    process: { use: 'pass' },
    // So that it goes on for longer than it is watched.
    options: { chunk: { bytes: LINE_BYTES }, rate: { chunks: `${Math.ceil((0.9 * CHUNKS) / MINUTES)}/m` } },
  });
  const at = `${api}/jobs/${job.id}`;
  const browser = await chromium.launch({ executablePath: findBrowser(), args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    const loads: number[] = [];
    for (let load = 0; load < LOADS; load++) loads.push(await interactiveMs(page, at));
    const { heap, resident, nodes } = await watch(browser, page);
    const { state, progress } = await call<JobView>(`${api}/v1/jobs/${job.id}`);
    await call(`${api}/v1/jobs/${job.id}/cancel`, {});
    const grown = (values: number[]) => (values.at(-1)! - values[Math.min(SETTLED, values.length - 1)]!) / MIB;
    const line = (what: string, ours: number, unit: string, target = '', met?: boolean): Line => ({
      bench: 'watching',
      what,
      ours,
      unit,
      target,
      ...(target && { met }),
    });
    return [
      line(
        'page of 100,000 chunks until it can be used, median',
        median(loads),
        'ms',
        '< 1000 ms',
        median(loads) < 1000,
      ),
      line(`chunks done at the end (${state})`, progress?.chunks.done ?? 0, ''),
      line(`script memory, grown in ${MINUTES} min`, grown(heap), 'MiB', '< 50 MiB', grown(heap) < 50),
      line('script memory, at the end', heap.at(-1)! / MIB, 'MiB'),
      line('memory of the page’s process, grown', grown(resident), 'MiB', '< 50 MiB', grown(resident) < 50),
      line('memory of the page’s process, at the end', resident.at(-1)! / MIB, 'MiB'),
      line('nodes of the page, at the end', nodes.at(-1)!, ''),
    ];
  } finally {
    await browser.close();
  }
}

/** Its script has run, and takes what is done to the page. */
async function interactiveMs(page: Page, at: string): Promise<number> {
  await page.goto(at, { waitUntil: 'domcontentloaded' });
  return page.evaluate(() => {
    const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
    return navigation!.domContentLoadedEventEnd;
  });
}

async function watch(browser: Browser, page: Page) {
  const seen = { heap: [] as number[], resident: [] as number[], nodes: [] as number[] };
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const whole = await browser.newBrowserCDPSession();
  for (const end = Date.now() + MINUTES * 60_000; Date.now() < end; await sleep(SAMPLE_MS)) {
    await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    const metric = (name: string) => metrics.find((one) => one.name === name)!.value;
    seen.heap.push(metric('JSHeapUsedSize'));
    seen.nodes.push(metric('Nodes'));
    seen.resident.push(await residentOfPages(whole));
    const [heap, resident] = [seen.heap.at(-1)!, seen.resident.at(-1)!].map((bytes) => (bytes / MIB).toFixed(1));
    process.stderr.write(`${new Date().toISOString()} ${heap} MiB, ${resident} MiB, ${seen.nodes.at(-1)} nodes\n`);
  }
  return seen;
}

/** Of the only page there is, and of the empty one beside it. */
async function residentOfPages(whole: CDPSession): Promise<number> {
  const { processInfo } = await whole.send('SystemInfo.getProcessInfo');
  const sizes = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => residentMemory(id));
  return Math.max(...sizes);
}
