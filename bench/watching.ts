import { setTimeout as sleep } from 'node:timers/promises';
import type { JobView } from '../src/core/job.js';
import { findBrowser } from '../test/helpers/find-browser.js';
import { startBrowser } from './bare-browser.js';
import type { BareBrowser } from './bare-browser.js';
import { call, median, residentMemory, type Services } from './harness.js';
import type { Line } from './report.js';
import { linesFile } from './scale.js';

const MINUTES = Number(process.env.WATCH_MINUTES ?? 60);
const SAMPLE_MS = 30_000;
/** The first minutes fill caches that do not grow further. */
const SETTLED = 4;
const LOADS = 7;
const LOAD_POLL_MS = 50;
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
  const browser = await startBrowser(findBrowser());
  try {
    const loads: number[] = [];
    for (let load = 0; load < LOADS; load++) loads.push(await interactiveMs(browser, at));
    const { heap, resident, nodes } = await watch(browser, at);
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

/** Until its script has run, and takes what is done to the page. */
async function interactiveMs(browser: BareBrowser, at: string): Promise<number> {
  const { targetId } = await browser.send<{ targetId: string }>('Target.createTarget', { url: at });
  for (;;) {
    // At first there is an empty page, which is done at once.
    const end = `location.href === ${JSON.stringify(at)} && performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd`;
    const ms = await inside(browser, targetId, (session) =>
      browser.send<{ result: { value?: number } }>('Runtime.evaluate', { expression: end }, session),
    );
    if (!ms.result.value) {
      await sleep(LOAD_POLL_MS);
      continue;
    }
    await browser.send('Target.closeTarget', { targetId });
    return ms.result.value;
  }
}

async function watch(browser: BareBrowser, at: string) {
  const seen = { heap: [] as number[], resident: [] as number[], nodes: [] as number[] };
  const { targetId } = await browser.send<{ targetId: string }>('Target.createTarget', { url: at });
  for (const end = Date.now() + MINUTES * 60_000; Date.now() < end;) {
    await sleep(SAMPLE_MS);
    const { metrics } = await inside(browser, targetId, async (session) => {
      await browser.send('HeapProfiler.collectGarbage', {}, session);
      await browser.send('Performance.enable', {}, session);
      return browser.send<{ metrics: Array<{ name: string; value: number }> }>('Performance.getMetrics', {}, session);
    });
    const metric = (name: string) => metrics.find((one) => one.name === name)!.value;
    seen.heap.push(metric('JSHeapUsedSize'));
    seen.nodes.push(metric('Nodes'));
    seen.resident.push(await residentOfPages(browser));
    const [heap, resident] = [seen.heap.at(-1)!, seen.resident.at(-1)!].map((bytes) => (bytes / MIB).toFixed(1));
    process.stderr.write(`${new Date().toISOString()} ${heap} MiB, ${resident} MiB, ${seen.nodes.at(-1)} nodes\n`);
  }
  return seen;
}

/** Attached to for so long only: what is attached has the page keep more. */
async function inside<T>(browser: BareBrowser, targetId: string, run: (session: string) => Promise<T>): Promise<T> {
  const { sessionId } = await browser.send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true });
  try {
    return await run(sessionId);
  } finally {
    await browser.send('Target.detachFromTarget', { sessionId });
  }
}

/** The largest one: beside the page there may be an empty one. */
async function residentOfPages(browser: BareBrowser): Promise<number> {
  const { processInfo } = await browser.send<{ processInfo: Array<{ type: string; id: number }> }>(
    'SystemInfo.getProcessInfo',
  );
  return Math.max(...processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => residentMemory(id)));
}
