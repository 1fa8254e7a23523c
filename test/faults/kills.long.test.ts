/**
 * A job runs, and at a random moment one process of the service is killed and started again. Whatever it was, the job ends
 * with the bytes and counts of an undisturbed run, and each record has one fate.
 *
 * SEED=… RUNS=… repeat what was printed.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomOf } from '../helpers/random.js';
import { checkRun } from './check-run.js';
import type { Outcome } from './check-run.js';
import { MEMBERS, SLOTS_OF_A_WORKER, startCluster } from './cluster.js';
import type { Cluster, Member } from './cluster.js';
import { csvText, fatesOf, ndjsonText, sumsOf } from './records.js';

const RUNS = Number(process.env.RUNS ?? 10);
const SEED = Number(process.env.SEED ?? (process.env.RUNS ? Date.now() % 1_000_000 : 1));
const RUN_MS = 60_000;

/** In the order in which they are run. */
const KINDS = ['one file', 'sql', 'folder', 'reduction', 'rests'] as const;
type Kind = (typeof KINDS)[number];

let cluster: Cluster;
const undisturbed = new Map<Kind, { outcome: Outcome; ms: number }>();

beforeAll(async () => {
  console.log(`[faults] SEED=${SEED} RUNS=${RUNS}`);
  cluster = await startCluster();
  await writeFile(path.join(cluster.data, 'records.csv'), csvText());
  await writeFile(path.join(cluster.data, 'records.ndjson'), ndjsonText());
  for (const kind of KINDS) {
    let accepted = 0;
    const job = await cluster.run(specOf(kind, 'undisturbed'), `undisturbed-${kind}`, () => (accepted = Date.now()));
    const ms = Date.now() - accepted;
    const { outcome, output, rejects } = await checkRun(cluster, job, 0);
    checkFates(kind, output, rejects);
    undisturbed.set(kind, { outcome, ms });
  }
}, 120_000);
afterAll(() => cluster.stop());

const options = {
  chunk: { bytes: '10KiB' },
  rejects: { action: 'quarantine' },
  timeout: { heartbeat: '2s' },
  retry: { first: '50ms' },
};

const MAP = `select id, n, (select count(*) from range(2000000) t(i) where hash(i) = id) as none from chunk`;
const REDUCE = `select count(*)::bigint as records, sum(id)::bigint as ids, sum(id * id)::bigint as squares from partials`;

/** @param name makes the sink one of its own */
function specOf(kind: Kind, name: string): unknown {
  const uri = (file: string) => path.join(cluster.data, file);
  const csv = { uri: uri('records.csv'), csv: { types: { n: 'int' } } };
  const ndjson = { uri: uri('records.ndjson') };
  const sink = (file: string) => ({ uri: uri(`${name}-${file}`) });
  const copy = { use: 'copy-slowly', with: { ms: 20 } };
  switch (kind) {
    case 'one file':
      return { name: 'copy', source: csv, process: copy, sink: sink('copy.ndjson'), options };
    case 'rests': {
      // What is planned for an activity takes longer than half of its time: it leaves the rest to another one.
      const slow = { ...options, chunk: { bytes: '1KiB' }, timeout: { ...options.timeout, chunk: '3s' } };
      const process = { use: 'copy-slowly', with: { ms: 250 } };
      return { name: 'rests', source: csv, process, sink: sink('rests.ndjson'), options: slow };
    }
    case 'sql': {
      const process = { use: 'sql', with: { map: MAP, reduce: REDUCE } };
      return { name: 'sums', source: csv, process, sink: sink('sql.csv'), options };
    }
    case 'folder': {
      const parts = { ...sink('parts/'), format: 'ndjson' };
      return { name: 'parts', source: ndjson, process: copy, sink: parts, options };
    }
    case 'reduction': {
      const process = { use: 'sum-slowly', with: { ms: 20 } };
      return { name: 'sums', source: ndjson, process, sink: sink('sums.ndjson'), options };
    }
  }
}

/** Each record is once in the output or once in the rejects, none twice, none missing. */
function checkFates(kind: Kind, output: string, rejects: Array<{ raw: string }>): void {
  const fates = fatesOf({ refuses: kind !== 'sql', filters: kind !== 'sql' && kind !== 'reduction' });
  const rejected = rejects.map(({ raw }) => Number(/\d+/.exec(raw)![0])).sort((a, b) => a - b);
  expect(rejected.join()).toBe(fates.rejected.join());
  const lines = output.trimEnd().split('\n');
  const sums = sumsOf(fates.used);
  switch (kind) {
    case 'sql':
      expect(lines).toEqual(['records,ids,squares', `${sums.records},${sums.ids},${sums.squares}`]);
      break;
    case 'reduction':
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([sums]);
      break;
    default:
      expect(lines.map((line) => (JSON.parse(line) as { id: number }).id).join()).toBe(fates.used.join());
  }
}

interface Fault {
  kind: Kind;
  victim: Member;
  /** When it dies: as a share of the time of an undisturbed run. */
  at: number;
  /** Until it is started again. */
  awayMs: number;
}

function faultOf(i: number): Fault {
  const random = randomOf(SEED * 1_000_003 + i);
  return {
    kind: KINDS[i % KINDS.length]!,
    victim: random.pick(MEMBERS),
    at: (1 + random.below(99)) / 100,
    awayMs: random.below(1000),
  };
}

/** How many activities may have been lost with what died. */
function lostWith(victim: Member): number {
  if (victim === 'api') return 0;
  return victim === 'temporal' ? 2 * SLOTS_OF_A_WORKER : SLOTS_OF_A_WORKER;
}

describe(`a killed process changes nothing (SEED=${SEED})`, () => {
  it.each(Array.from({ length: RUNS }, (_, i) => ({ run: i + 1, ...faultOf(i) })))(
    'run $run: $kind, $victim dies at $at of the time and is away for $awayMs ms',
    async ({ run, kind, victim, at, awayMs }) => {
      const { outcome: expected, ms } = undisturbed.get(kind)!;
      let back: Promise<void> | undefined;
      const strike = async () => {
        await sleep(at * ms);
        await cluster.kill(victim);
        await sleep(awayMs);
        await cluster.start(victim);
      };
      const job = await cluster.run(specOf(kind, `run-${run}`), `run-${run}`, () => {
        back = strike();
      });
      await back;
      const { outcome, output, rejects } = await checkRun(cluster, job, lostWith(victim));
      expect(outcome).toEqual(expected);
      checkFates(kind, output, rejects);
    },
    RUN_MS,
  );
});
