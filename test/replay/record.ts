/**
 * Records the histories that `replay.test.ts` replays: `TEMPORAL_ADDRESS=… npx tsx test/replay/record.ts`, against a server
 * with nothing else on it. Run it once per version whose jobs may still be open when the next one is deployed.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { PAUSE_UPDATE, PROCESS_DATASET, RESUME_UPDATE, SET_UPDATE } from '../../src/contract.js';
import type { WorkerCard } from '../../src/core/job.js';
import { keys } from '../../src/core/receipt.js';
import { createWorkArea } from '../../src/stores/work-area.js';
import { connectClient } from '../../src/temporal/connect.js';
import { startWorker } from '../../src/worker.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const target = fileURLToPath(new URL(`histories/${version}`, import.meta.url));
const home = mkdtempSync(path.join(os.tmpdir(), 'millrace-record-'));
const at = (name: string) => path.join(home, name);
const { client, connection, address } = await connectClient();
const taskQueue = 'record';
const worker = await startWorker({
  host: '127.0.0.1',
  port: 0,
  home,
  roots: [home],
  work: at('work'),
  scratch: at('scratch'),
  taskQueue,
  processors: [fileURLToPath(new URL('../fixtures/processors', import.meta.url))],
  threads: 2,
  sqlMemoryBytes: 256 * 1024 * 1024,
  temporal: { address },
});

const looksLikeRecords = Array.from({ length: 6000 }, (_, i) => `${i},looks like a record`).join('\n');
writeFileSync(at('plain.csv'), `id,n\n${Array.from({ length: 500 }, (_, i) => `${i},${i % 7}\n`).join('')}`);
writeFileSync(at('stitched.csv'), `id,text\n1,a\n2,"${looksLikeRecords}"\n3,b\n`);

const items = [{ n: 1 }, { n: 2 }];
const plain = { source: { uri: at('plain.csv') }, process: { use: 'pass' } };
const summing = {
  map: 'select n, count(*) c from chunk group by n',
  reduce: 'select n, sum(c)::int c from partials group by n',
};
const specs = {
  small: { source: { items }, process: { use: 'pass' } },
  'many-chunks': { ...plain, sink: { uri: at('out/') , format: 'csv' }, options: { chunk: { bytes: 300 } } },
  reduced: { ...plain, process: { use: 'sql', with: summing }, options: { chunk: { bytes: 300 } } },
  stitched: { ...plain, source: { uri: at('stitched.csv') }, options: { chunk: { bytes: '32KiB' } } },
  failed: { ...plain, process: { use: 'odd-jobs' }, source: { items: [{ job: 'throw' }] }, options: { retry: { attempts: 2, first: '10ms' } } },
  cancelled: { ...plain, process: { use: 'slow', with: { ms: 60_000 } }, options: { chunk: { bytes: 300 } } },
  invalid: { source: {} },
  steered: { ...plain, process: { use: 'slow', with: { ms: 20 } }, options: { chunk: { bytes: 300 }, rate: { chunks: '30/s' } } },
  'given-up': { ...plain, process: { use: 'sql', with: { map: "select n from chunk where id <> 100 or error('no')" } }, options: { chunk: { bytes: 300 }, retry: { attempts: 1 }, failedChunks: { tolerate: 5 } } },
  windowed: { ...plain, sink: { uri: at('windowed.csv') }, options: { chunk: { bytes: 5 } } },
}; // prettier-ignore

function withoutStacks(key: string, value: unknown): unknown {
  return key === 'stackTrace' ? '' : value;
}

async function record(name: string, handle: WorkflowHandle): Promise<void> {
  mkdirSync(target, { recursive: true });
  const history = await handle.fetchHistory();
  // Numbers for enums, base64 for bytes: what the message encodes from, with no other library in between.
  const message = history.constructor as unknown as { toObject(history: unknown, options: object): unknown };
  const json = JSON.stringify(message.toObject(history, { longs: Number, bytes: String }), withoutStacks);
  // What the machine is called is nobody's business.
  const text = json.replaceAll(os.hostname(), 'host').replaceAll(home, '/data');
  writeFileSync(path.join(target, `${name}.json`), text + '\n');
  console.log(name, (await handle.describe()).status.name, (await handle.describe()).historyLength);
}

for (const [name, spec] of Object.entries(specs)) {
  // As if many workers were there: then each chunk is an activity of its own, and more than 500 need windows.
  if (name === 'windowed') await pretendManyWorkers();
  const handle = await client.workflow.start(PROCESS_DATASET, {
    workflowId: `record-${name}`,
    taskQueue,
    args: [spec],
  });
  if (name === 'steered') {
    await handle.executeUpdate(PAUSE_UPDATE, { args: ['to be recorded'] });
    await handle.executeUpdate(SET_UPDATE, { args: [{ concurrency: 2, rate: null, priority: 2 }] });
    await handle.executeUpdate(RESUME_UPDATE, { args: [null] });
  }
  if (name === 'cancelled') {
    await sleep(1500);
    await handle.cancel();
  }
  await handle.result().catch(() => undefined);
  await record(name, handle);
}
const retried = await client.workflow.start(PROCESS_DATASET, {
  workflowId: 'record-given-up',
  taskQueue,
  args: [specs['given-up'], { run: 1 }],
  workflowIdReusePolicy: 'ALLOW_DUPLICATE',
});
await retried.result();
await record('retried', retried);
await record('window', client.workflow.getHandle('record-windowed/500'));

async function pretendManyWorkers(): Promise<void> {
  const now = new Date().toISOString();
  const card: WorkerCard = {
    id: 'many',
    host: 'host',
    pid: 1,
    taskQueue,
    threads: 500,
    processors: [],
    startedAt: now,
    renewedAt: now,
  };
  await (await createWorkArea(at('work'))).replace(keys.worker(card.id), JSON.stringify(card));
}

await worker.stop();
await connection.close();
rmSync(home, { recursive: true });
