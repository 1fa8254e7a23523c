/**
 * The core of the engine (inspect, process, stitch, commit) over the real stores, in one process and thousands of times:
 * processes die before or after any call to a store, disks are full, and two attempts of one step run at once, their calls
 * interleaved. The seed decides everything.
 *
 * SEED=… SEEDS=1 repeats one.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createActivities } from '../../activities/index.js';
import type { Activities } from '../../src/contract.js';
import type { JobResult, Manifest } from '../../src/core/job.js';
import { keys } from '../../src/core/receipt.js';
import type { Reject } from '../../src/core/records.js';
import { activityCount, rangeOf } from '../../src/core/window.js';
import { TaskControl } from '../../src/processors/control.js';
import { defineProcessor } from '../../src/processors/define.js';
import type { ThreadPool } from '../../src/processors/pool.js';
import { planCache } from '../../src/processors/range/context.js';
import { runRange } from '../../src/processors/range/run-range.js';
import { SpareFile } from '../../src/processors/range/spare-file.js';
import type { ProcessInput } from '../../src/processors/tasks.js';
import { createFileStore } from '../../src/stores/file-store.js';
import { createWorkArea } from '../../src/stores/work-area.js';
import { randomOf } from '../helpers/random.js';
import type { Random } from '../helpers/random.js';
import { FULL } from './full.js';
import { Process, Turns } from './simulated-stores.js';
import type { Fault } from './simulated-stores.js';
import { noNotices } from '../helpers/no-notices.js';

const FIRST = Number(process.env.SEED ?? 1);
const SEEDS = Number(process.env.SEEDS ?? (FULL ? 3000 : 300));
/** Attempts that fail are what this is about. */
const logger = new DefaultLogger('ERROR');
const RECORDS = 40;
const FAULTS = ['dies before', 'dies after', 'disk is full'] as const;
const MOST_ATTEMPTS = 8;

const memory = '/dev/shm';
const root = mkdtempSync(path.join((await hasFolder(memory)) ? memory : os.tmpdir(), 'millrace-simulation-'));
afterAll(() => rmSync(root, { recursive: true }));

const ids = Array.from({ length: RECORDS }, (_, id) => id);
const isRefused = (id: number) => id % 7 === 2;
const isFiltered = (id: number) => id % 5 === 4;
const source = path.join(root, 'records.csv');
beforeAll(() =>
  writeFile(source, `id,text\n${ids.map((id) => `${id},"${id % 6 === 0 ? 'two\nlines' : 'one'}"\n`).join('')}`),
);

const copy = defineProcessor<Record<string, never>, { id: number }>({
  name: 'copy',
  description: 'Gives records back, but for those it filters and refuses',
  record: ({ id }, { reject }) => (isRefused(id) ? reject('refused') : isFiltered(id) ? null : { id }),
});

/** One job and the processes that work on it. */
class Simulation {
  readonly home: string;
  readonly target: string;
  private readonly turns: Turns;
  private readonly running: Promise<unknown>[] = [];
  private readonly processes: Process[] = [];
  private readonly single: boolean;

  constructor(
    seed: number,
    private readonly random: Random,
  ) {
    this.home = path.join(root, String(seed));
    this.turns = new Turns(random);
    this.single = random.below(2) === 0;
    this.target = path.join(this.home, 'out', this.single ? 'out.ndjson' : 'parts/');
  }

  /** What the workflow does, without a server: each step until it succeeds, sometimes twice at once. */
  async run(): Promise<JobResult> {
    const job = 'job';
    await mkdir(path.dirname(path.resolve(this.target)), { recursive: true });
    if (this.random.below(3) === 0) await this.leaveOldOutput();
    const spec = {
      source: { uri: source },
      process: { use: 'copy' },
      sink: { uri: this.target, format: 'ndjson', ifExists: 'replace' },
      options: { chunk: { bytes: 20 + this.random.below(60) }, rejects: { action: 'quarantine' } },
    };
    const plan = await this.step((activities) => activities.inspect({ job, spec }));
    const ranges = Array.from({ length: activityCount(plan) }, (_, n) => ({ job, ...rangeOf(plan, n), generation: 0 }));
    await Promise.all(ranges.map((range) => this.step((activities) => activities.processChunks(range))));
    for (;;) {
      const restarts = await this.step((activities) => activities.stitch({ job }));
      if (restarts.length === 0) break;
      for (const { undo: _undo, ...range } of restarts) {
        await this.step((activities) => activities.processChunks({ job, ...range }));
      }
    }
    // Not promised: that the manifest stands beside the output where an attempt is given up, goes on beside the next one,
    // and dies at the very moment at which it takes away what it believes to be an older manifest.
    const input = { job, startedAt: new Date(0).toISOString() };
    const result = await this.step((activities) => activities.commit(input), false);
    // Attempts that nobody waits for go on, and must not spoil what is committed.
    await Promise.all(this.running);
    return result;
  }

  async remove(): Promise<void> {
    for (const process of this.processes) await process.bury();
    rmSync(this.home, { recursive: true });
  }

  /** @param twinsDie whether attempts that run side by side may die too */
  private async step<T>(act: (activities: Activities) => Promise<T>, twinsDie = true): Promise<T> {
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      const twins = this.random.below(4) === 0;
      const faults = twins && !twinsDie ? (['disk is full'] as const) : FAULTS;
      const attempts = (twins ? [1, 2] : [1]).map(() =>
        this.attempt(act, attempt < MOST_ATTEMPTS / 2 ? this.fault(faults) : null),
      );
      this.running.push(...attempts);
      const first = await Promise.race(attempts);
      if (first !== 'died') return first.result;
      const other = await attempts.at(-1)!;
      if (other !== 'died') return other.result;
    }
    throw new Error(`a step failed ${MOST_ATTEMPTS} times`);
  }

  private async attempt<T>(
    act: (activities: Activities) => Promise<T>,
    fault: Fault | null,
  ): Promise<{ result: T } | 'died'> {
    const process = new Process(this.turns, fault);
    this.processes.push(process);
    const run = this.activities(process).then((activities) =>
      new MockActivityEnvironment({ isLocal: true }, { logger }).run<[], { result: T }, () => Promise<{ result: T }>>(
        async () => ({ result: await act(activities) }),
      ),
    );
    // A full disk ends an attempt as a death does, only that it may tidy up.
    const failed = (error: unknown) => {
      if (error instanceof ApplicationFailure && !error.nonRetryable) return 'died' as const;
      throw error;
    };
    return Promise.race([run.catch(failed), process.death]);
  }

  private async activities(process: Process): Promise<Activities> {
    const files = process.over(createFileStore({ roots: [root], cwd: root }));
    const work = process.over(await createWorkArea(path.join(this.home, 'work')));
    const registry = { get: () => copy, list: () => [], parse: () => ({}) };
    const context = {
      sources: files,
      work,
      registry: () => Promise.resolve(registry),
      scratch: this.home,
      sql: () => Promise.reject(new Error('there is no SQL here')),
      spare: new SpareFile(path.join(this.home, 'spare')),
      plan: planCache(work),
    };
    const run = (task: string, input: unknown) => {
      if (task === 'check') return Promise.resolve({ reduces: false, output: null });
      const watched = { control: new TaskControl(), signal: new AbortController().signal };
      return runRange(context, input as ProcessInput, watched);
    };
    const pool = { run, close: () => Promise.resolve() } as ThreadPool;
    return createActivities({ ...noNotices, files, work, pool, threads: () => Promise.resolve(1) });
  }

  /** Three of four attempts end badly somewhere. */
  private fault(faults: ReadonlyArray<Fault['what']>): Fault | null {
    if (this.random.below(4) === 0) return null;
    return { call: 1 + this.random.below(30), what: this.random.pick(faults) };
  }

  private async leaveOldOutput(): Promise<void> {
    if (!this.single) await mkdir(this.target, { recursive: true });
    const [output, manifest] = this.single
      ? [this.target, `${this.target}.manifest.json`]
      : [path.join(this.target, 'part-00000.ndjson'), path.join(this.target, 'manifest.json')];
    await writeFile(output, 'old\n');
    await writeFile(manifest, '{}\n');
  }
}

async function check({ home, target }: Simulation, { counts }: JobResult): Promise<void> {
  const refused = ids.filter(isRefused);
  const used = ids.filter((id) => !isRefused(id) && !isFiltered(id));
  const filtered = RECORDS - refused.length - used.length;
  expect(counts).toEqual({ in: RECORDS, used: used.length, filtered, rejected: refused.length, out: used.length });

  const beside = target.endsWith('/') ? path.join(target, 'manifest.json') : `${target}.manifest.json`;
  const text = await readFile(beside, 'utf8');
  expect(text).toBe(await readFile(path.join(home, 'work', keys.manifest('job')), 'utf8'));
  const manifest = JSON.parse(text) as Manifest;
  const parts = await Promise.all(manifest.parts.map(({ uri }) => readFile(uri)));
  const sums = parts.map((bytes) => createHash('sha256').update(bytes).digest('hex'));
  expect(sums).toEqual(manifest.parts.map(({ sha256 }) => sha256));
  expect(idsIn(Buffer.concat(parts).toString())).toEqual(used);

  const rejects = await readFile(path.join(home, 'work', keys.rejects('job')), 'utf8');
  const rejected = rejects
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Reject);
  expect(rejected.map(({ raw }) => Number.parseInt(raw))).toEqual(refused);
}

function idsIn(ndjson: string): number[] {
  return ndjson
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { id: number }).id);
}

describe('whatever dies, fills up or comes twice', () => {
  it(
    `each record is once in the output or once in the rejects (seeds from ${FIRST}, ${SEEDS} of them)`,
    async () => {
      for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
        const simulation = new Simulation(seed, randomOf(seed));
        try {
          await check(simulation, await simulation.run());
        } catch (error) {
          throw new Error(`SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
        }
        await simulation.remove();
      }
    },
    10 * 60_000,
  );
});

async function hasFolder(folder: string): Promise<boolean> {
  return readdir(folder).then(
    () => true,
    () => false,
  );
}
