/** What a worker counts, and where it is asked for it. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Activities, RangeResult } from '../contract.js';
import { MillraceError, messageOf } from '../core/errors.js';

const BUCKETS_S = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800];
const SDK_MS = 2000;

export interface WorkerMetrics {
  /** The same activities, counted. */
  counted(activities: Activities): Activities;
  /** @param sdk URL of the metrics of the Temporal SDK, which are told along */
  listen(at: { host: string; port: number; sdk: string }): Promise<{ stop(): Promise<void> }>;
}

export function createWorkerMetrics(threads: number): WorkerMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers });
  const attempts = new Histogram({
    name: 'millrace_activity_duration_seconds',
    help: 'Attempts of activities by how they ended: completed, failed, cancelled',
    labelNames: ['activity', 'outcome'],
    buckets: BUCKETS_S,
    registers,
  });
  const records = counter(
    'millrace_records_total',
    'Records of attempts that completed: in, used, filtered, rejected, out',
    ['kind'],
  );
  const bytes = counter('millrace_bytes_total', 'Bytes of attempts that completed: in, out', ['kind']);
  const chunks = counter('millrace_chunks_total', 'Chunks by what became of them: done, failed', ['outcome']);
  const busy = counter(
    'millrace_busy_total',
    'Attempts that were refused for the moment by what a processor calls',
    [],
  );
  const jobs = counter('millrace_jobs_ended_total', 'Jobs whose last step this worker did, by state', ['state']);
  new Gauge({ name: 'millrace_worker_threads', help: 'Chunks that the worker computes at once', registers }).set(
    threads,
  );
  const running = new Gauge({ name: 'millrace_worker_attempts', help: 'Attempts of chunks at work', registers });

  function count({ counts, chunks: done, failed = 0, bytes: read, outBytes, busy: refused }: RangeResult): void {
    for (const [kind, value] of Object.entries<number>({ ...counts })) records.inc({ kind }, value);
    bytes.inc({ kind: 'in' }, read);
    bytes.inc({ kind: 'out' }, outBytes);
    chunks.inc({ outcome: 'done' }, done);
    chunks.inc({ outcome: 'failed' }, failed);
    if (refused) busy.inc();
  }

  /** What an activity did, beside how long it took. */
  const notes: {
    [Name in keyof Activities]?: (
      result: Awaited<ReturnType<Activities[Name]>>,
      ...given: Parameters<Activities[Name]>
    ) => void;
  } = {
    processChunks: count,
    giveUp: count,
    commit: ({ state }) => jobs.inc({ state }),
    discard: (_, { state = 'failed' }) => jobs.inc({ state }),
  };

  function counted<Name extends keyof Activities>(name: Name, run: Activities[Name]): Activities[Name] {
    const wrapped = async (...args: unknown[]) => {
      const end = attempts.startTimer({ activity: name });
      if (name === 'processChunks') running.inc();
      try {
        const result = await (run as (...given: unknown[]) => Promise<unknown>)(...args);
        (notes[name] as ((...told: unknown[]) => void) | undefined)?.(result, ...args);
        end({ outcome: 'completed' });
        return result;
      } catch (error) {
        end({ outcome: error instanceof Error && error.name === 'CancelledFailure' ? 'cancelled' : 'failed' });
        throw error;
      } finally {
        if (name === 'processChunks') running.dec();
      }
    };
    return wrapped as unknown as Activities[Name];
  }

  return {
    counted(activities) {
      const names = Object.keys(activities) as Array<keyof Activities>;
      return Object.fromEntries(names.map((name) => [name, counted(name, activities[name])])) as unknown as Activities;
    },
    async listen({ host, port, sdk }) {
      const server = createServer((request, response) => {
        if (request.method !== 'GET' || request.url !== '/metrics') {
          response.writeHead(404).end('see /metrics\n');
          return;
        }
        void Promise.all([registry.metrics(), textOf(sdk)]).then((texts) =>
          response.writeHead(200, { 'content-type': registry.contentType }).end(texts.join('\n')),
        );
      });
      await listening(server, host, port);
      return {
        stop: () =>
          new Promise((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      };
    },
  };
}

/** Empty where it does not answer: half of the figures are better than none. */
async function textOf(url: string): Promise<string> {
  try {
    return await (await fetch(url, { signal: AbortSignal.timeout(SDK_MS) })).text();
  } catch {
    return '';
  }
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new MillraceError('worker.metrics_port', `the metrics cannot be told at ${host}:${port}: ${messageOf(error)}`, {
          cause: error,
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
}
