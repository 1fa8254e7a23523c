import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { PROGRESS_QUERY } from '../src/contract.js';
import type { JobView } from '../src/core/job.js';
import { keys } from '../src/core/receipt.js';
import {
  call,
  DATA,
  dataFile,
  median,
  peakMemory,
  percentile,
  residentMemory,
  THREADS,
  type Services,
} from './harness.js';
import type { Line } from './report.js';

const SAMPLE_MS = 250;
const MIB = 1024 * 1024;

const MAX_EVENTS = 4096;
const MAX_PAYLOAD = 64 * 1024;

interface Shape {
  what: string;
  records: number;
  chunks: number;
  /** Of one line, its line end included; all lines have the same, so that chunks and records keep step. */
  lineBytes: number;
  chunk: { bytes: number } | { rows: number };
  toFile: boolean;
}

const SHAPES: Shape[] = [
  {
    what: '100,000 chunks of 20 records',
    records: 2_000_000,
    chunks: 100_000,
    lineBytes: 24,
    chunk: { bytes: 24 * 20 },
    toFile: true,
  },
  {
    what: 'a million chunks of one record',
    records: 1_000_000,
    chunks: 1_000_000,
    lineBytes: 8,
    chunk: { rows: 1 },
    toFile: false,
  },
];

/** Jobs of very many chunks: how fast, and whether histories, memory and answers stay small. */
export async function scale(services: Services): Promise<Line[]> {
  const lines: Line[] = [];
  for (const shape of SHAPES) lines.push(...(await measure(services, shape)));
  return lines;
}

async function measure(services: Services, shape: Shape): Promise<Line[]> {
  const { api, client, env, workerPid } = services;
  const began = performance.now();
  const { id } = await call<JobView>(`${api}/v1/jobs`, specOf(shape, await linesFile(shape.records, shape.lineBytes)));
  const handle = client.workflow.getHandle(id);
  const watch = watchJob(api, handle, workerPid);
  let seconds = 0;
  try {
    await handle.result();
    seconds = (performance.now() - began) / 1000;
  } finally {
    await watch.stop();
  }
  const { memory, httpMs, queryMs } = watch.seen;

  const job = await call<JobView>(`${api}/v1/jobs/${id}`);
  if (job.progress?.chunks.done !== shape.chunks || job.progress.records.out !== shape.records) {
    throw new Error(`job ${id} did ${JSON.stringify(job.progress)}; wanted ${shape.chunks} chunks`);
  }
  const histories = await readHistories(services, id);
  const receipts = await readdir(path.join(env.MILLRACE_HOME!, 'work', keys.receipts(id)));
  const most = Math.max(...histories.map(({ events }) => events));
  const largest = Math.max(...histories.map(({ payload }) => payload));
  const busy = busyShare(histories.flatMap(({ runs }) => runs));
  const half = memory[memory.length >> 1]!;
  const line = (what: string, ours: number, unit: string, target = '', met?: boolean): Line => ({
    bench: 'scale',
    what: `${shape.what}: ${what}`,
    ours,
    unit,
    target,
    ...(target && { met }),
  });
  const below = (what: string, ours: number, unit: string, limit: number): Line =>
    line(what, ours, unit, `< ${limit} ${unit}`, ours < limit);
  return [
    line('whole job', seconds, 's'),
    line('chunks', shape.chunks / seconds, '/s', '>= 1000 /s', shape.chunks / seconds >= 1000),
    line('records', shape.records / seconds, '/s'),
    line('activities, each with a receipt', receipts.length, ''),
    line(
      'events of all histories',
      histories.reduce((sum, { events }) => sum + events, 0),
      '',
    ),
    below(`events of the longest of ${histories.length} histories`, most, '', MAX_EVENTS),
    below('largest event', largest, 'B', MAX_PAYLOAD),
    line('slots busy while work remains', 100 * busy, '%', '>= 95 %', busy >= 0.95),
    below('progress query, median', median(queryMs), 'ms', 50),
    below('progress query, p99', percentile(queryMs, 0.99), 'ms', 50),
    below('GET /v1/jobs/{id}, median', median(httpMs), 'ms', 50),
    below('GET /v1/jobs/{id}, p99', percentile(httpMs, 0.99), 'ms', 50),
    line('memory of the worker, half way', half / MIB, 'MiB'),
    line('memory of the worker, peak', peakMemory(workerPid) / MIB, 'MiB'),
  ];
}

/** A CSV file of so many lines, each of so many bytes with its end. */
export function linesFile(records: number, lineBytes: number): Promise<string> {
  return dataFile(`scale-${records}-${lineBytes}.csv`, async (file) => {
    const line = (i: number) => `${String(i).padStart(7, '0')},${'some text '.repeat(2)}`.slice(0, lineBytes - 1);
    const lines: string[] = [];
    for (let i = 0; i < records; i++) lines.push(line(i));
    await writeFile(file, `${lines.join('\n')}\n`);
  });
}

function specOf({ lineBytes, chunk, toFile }: Shape, uri: string): unknown {
  const columns = lineBytes > 8 ? ['n', 'text'] : ['n'];
  return {
    name: 'scale',
    source: { uri, csv: { header: false, columns, types: { n: 'string' } } },
    process: { use: 'pass' },
    ...(toFile && { sink: { uri: path.join(DATA, 'scale-out.ndjson'), ifExists: 'replace' } }),
    options: { chunk },
  };
}

interface Watched {
  /** Resident memory of the worker, each `SAMPLE_MS`. */
  memory: number[];
  httpMs: number[];
  queryMs: number[];
}

/** Asks for the progress as a dashboard does, by both doors, until it is stopped. */
function watchJob(api: string, handle: WorkflowHandle, pid: number): { seen: Watched; stop(): Promise<void> } {
  const seen: Watched = { memory: [], httpMs: [], queryMs: [] };
  let going = true;
  const timed = async (ask: () => Promise<unknown>, into: number[]) => {
    const began = performance.now();
    await ask();
    into.push(performance.now() - began);
  };
  const loop = (async () => {
    while (going) {
      seen.memory.push(residentMemory(pid));
      await timed(() => call(`${api}/v1/jobs/${handle.workflowId}`), seen.httpMs);
      await timed(() => handle.query(PROGRESS_QUERY), seen.queryMs);
      await sleep(SAMPLE_MS);
    }
  })();
  return {
    seen,
    stop() {
      going = false;
      return loop;
    },
  };
}

interface History {
  events: number;
  /** Bytes of the largest event. */
  payload: number;
  /** When chunk activities began and ended, in milliseconds. */
  runs: Array<[start: number, end: number]>;
}

/** The histories of a job and of its windows. */
async function readHistories({ client }: Services, id: string): Promise<History[]> {
  const { events } = await client.workflow.getHandle(id).fetchHistory();
  const windows = events!.flatMap(
    (event) => event.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.workflowId ?? [],
  );
  const others = await Promise.all(windows.map((window) => client.workflow.getHandle(window).fetchHistory()));
  return [events!, ...others.map((other) => other.events!)].map((all) => {
    const starts = new Map<string, number>();
    const runs: History['runs'] = [];
    const chunks = new Set<string>();
    for (const event of all) {
      const at = Number(event.eventTime!.seconds) * 1000 + event.eventTime!.nanos! / 1e6;
      const { activityTaskScheduledEventAttributes: scheduled, activityTaskStartedEventAttributes: started } = event;
      if (scheduled?.activityType?.name === 'processChunks') chunks.add(String(event.eventId));
      if (started) starts.set(String(started.scheduledEventId), at);
      const ended = event.activityTaskCompletedEventAttributes;
      if (ended && chunks.has(String(ended.scheduledEventId))) {
        runs.push([starts.get(String(ended.scheduledEventId))!, at]);
      }
    }
    const payload = Math.max(...all.map((event) => JSON.stringify(event).length));
    return { events: all.length, payload, runs };
  });
}

/** The share of the threads' time that was filled, from the first start until the last piece of work was handed out. */
function busyShare(runs: History['runs']): number {
  const first = Math.min(...runs.map(([start]) => start));
  const last = Math.max(...runs.map(([start]) => start));
  if (last === first) return 1;
  const changes = runs.flatMap(([start, end]) => [
    { at: start, by: 1 },
    { at: end, by: -1 },
  ]);
  changes.sort((a, b) => a.at - b.at);
  let busy = 0;
  let running = 0;
  let since = first;
  for (const { at, by } of changes) {
    const until = Math.min(at, last);
    busy += Math.min(running, THREADS) * Math.max(0, until - since);
    since = Math.max(since, until);
    running += by;
  }
  return busy / (THREADS * (last - first));
}

/** In bytes. Linux only; NaN elsewhere. */
