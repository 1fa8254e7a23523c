import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import type { JobResult, JobView, Manifest } from '../../src/core/job.js';
import { currentReceipts, keys } from '../../src/core/receipt.js';
import type { Receipt } from '../../src/core/receipt.js';
import type { Counts, Reject } from '../../src/core/records.js';
import { readJson } from './cluster.js';
import type { Cluster } from './cluster.js';

/** What a run left, without what no two runs have alike: times, names, and into how many parts a folder was cut. */
export interface Outcome {
  state: JobView['state'];
  counts: Counts;
  /** sha256 of the whole output, parts joined in their order. */
  output: string;
  /** sha256 of the rejects. */
  rejects: string;
  manifest: Pick<Manifest, 'columns'> & { records: number; format: string };
}

const MAX_EVENTS = 4096;
const MAX_PAYLOAD_BYTES = 64 * 1024;

/**
 * Holds a completed run against what every run promises.
 * @param repeated activities that may have had a second attempt, because what ran them died
 * @returns what must be the same in every run, and the text of the output
 */
export async function checkRun(
  cluster: Cluster,
  job: JobView,
  repeated: number,
): Promise<{ outcome: Outcome; output: string; rejects: Reject[] }> {
  expect(job.error).toBeNull();
  const result = job.result!;
  const { in: all, used, filtered, rejected } = result.counts;
  expect(used + filtered + rejected).toBe(all);

  const manifest = await readJson<Manifest>(path.join(cluster.work, result.manifest));
  const output = await checkParts(manifest);
  await checkLeftovers(cluster, result);
  await checkReceipts(cluster, job.id, result);
  await checkHistory(cluster, job.id, repeated);

  const rejectText = result.rejects ? await readFile(path.join(cluster.work, result.rejects.uri), 'utf8') : '';
  const { columns, output: ref } = manifest;
  return {
    outcome: {
      state: job.state,
      counts: result.counts,
      output: sha256(output),
      rejects: sha256(rejectText),
      manifest: { columns, records: ref.records, format: ref.format },
    },
    output: output.toString(),
    rejects: rejectText.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Reject])),
  };
}

/** Each part of the manifest exists and is what the manifest says. */
async function checkParts(manifest: Manifest): Promise<Buffer> {
  const parts = [];
  for (const part of manifest.parts) {
    const bytes = await readFile(part.uri);
    expect([bytes.length, sha256(bytes)]).toEqual([part.bytes, part.sha256]);
    parts.push(bytes);
  }
  const all = Buffer.concat(parts);
  expect(all.length).toBe(manifest.output.bytes);
  return all;
}

/** The manifest stands beside the output, and nothing that was staged does. */
async function checkLeftovers({ data }: Cluster, { output }: JobResult): Promise<void> {
  const names = await readdir(data, { recursive: true });
  expect(names.filter((name) => /(^|\/)\.|\.(tmp|old)$/.test(name))).toEqual([]);
  const name = path.relative(data, output.uri);
  expect(names).toContain(output.single ? `${name}.manifest.json` : path.join(name, 'manifest.json'));
}

/** The receipts that count cover every chunk once, and the spans of a text file cover every byte once. */
async function checkReceipts({ work }: Cluster, id: string, { chunks }: JobResult): Promise<void> {
  const folder = path.join(work, keys.receipts(id));
  const all = await Promise.all((await readdir(folder)).map((name) => readJson<Receipt>(path.join(folder, name))));
  const receipts = currentReceipts(all);
  let chunk = 0;
  let byte: number | null = null;
  for (const { from, to, spans } of receipts) {
    expect(from).toBe(chunk);
    chunk = to;
    for (const { first, end } of spans) {
      if (byte !== null) expect(first).toBe(byte);
      byte = end;
    }
  }
  expect(chunk).toBe(chunks);
}

/** Bounded histories, and no second attempt without a reason. */
async function checkHistory(cluster: Cluster, id: string, repeated: number): Promise<void> {
  const { events } = await (await cluster.client()).workflow.getHandle(id).fetchHistory();
  expect(events!.length).toBeLessThan(MAX_EVENTS);
  const payloads = events!.map((event) => JSON.stringify(event).length);
  expect(Math.max(...payloads)).toBeLessThan(MAX_PAYLOAD_BYTES);
  const started = events!.flatMap((event) => event.activityTaskStartedEventAttributes ?? []);
  const again = started.filter(({ attempt }) => attempt! > 1);
  const reasons = again.map(({ lastFailure }) => (lastFailure?.timeoutFailureInfo ? 'timeout' : lastFailure?.message));
  expect(reasons.filter((reason) => reason !== 'timeout')).toEqual([]);
  expect(again.length).toBeLessThanOrEqual(repeated);
}

function sha256(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
