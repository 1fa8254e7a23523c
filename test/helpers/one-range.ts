import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plan } from '../../src/core/plan.js';
import type { Receipt } from '../../src/core/receipt.js';
import type { Column, Reject, Row } from '../../src/core/records.js';
import type { CsvOptions } from '../../src/core/spec.js';
import { TaskControl } from '../../src/processors/control.js';
import { RecordTrace } from '../../src/processors/record-trace.js';
import { planCache } from '../../src/processors/range/context.js';
import type { ThreadContext } from '../../src/processors/range/context.js';
import { runRange } from '../../src/processors/range/run-range.js';
import { SpareFile } from '../../src/processors/range/spare-file.js';
import type { Poison } from '../../src/processors/tasks.js';
import { loadRegistry } from '../../src/processors/registry.js';
import { createSqlEngine } from '../../src/processors/sql/sql-engine.js';
import type { SqlEngine } from '../../src/processors/sql/sql-engine.js';
import { parseSpec } from '../../src/schema/spec.js';
import { createFileStore } from '../../src/stores/file-store.js';
import { createWorkArea } from '../../src/stores/work-area.js';

const PROCESSORS = fileURLToPath(new URL('../fixtures/processors', import.meta.url));

export interface RanRange {
  rows: Row[];
  rejects: Reject[];
  receipt: Receipt;
}

export interface RangeRunner {
  /** Runs a whole CSV file (without header) as one range. */
  csv(
    content: string | Buffer,
    columns: Column[],
    process: { use: string; with?: object },
    csv?: Partial<CsvOptions>,
    poison?: Poison[],
  ): Promise<RanRange>;
  close(): Promise<void>;
}

/** What a worker thread does with a range (with `poison`: a task process), in this thread and without a job. */
export async function rangeRunner(): Promise<RangeRunner> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'millrace-range-'));
  const scratch = path.join(home, 'scratch');
  mkdirSync(scratch);
  const work = await createWorkArea(path.join(home, 'work'));
  const sources = createFileStore({ roots: [home], cwd: home });
  const registry = loadRegistry([PROCESSORS]);
  let engine: Promise<SqlEngine> | undefined;
  const context: ThreadContext = {
    sources,
    work,
    registry: () => registry,
    scratch,
    sql: () => (engine ??= createSqlEngine({ scratch, memoryBytes: 256 * 1024 * 1024 })),
    spare: new SpareFile(path.join(scratch, 'spare')),
    plan: planCache(work),
  };
  const trace = new RecordTrace(scratch);
  let files = 0;

  return {
    async csv(content, columns, { use, with: params = {} }, csv = {}, poison) {
      const file = path.join(home, `${files++}.csv`);
      await writeFile(file, content);
      const [found] = await sources.find(file);
      const { uri, pin } = found!;
      const spec = parseSpec({
        source: { uri, csv: { header: false, columns: columns.map(({ name }) => name), ...csv } },
        process: { use, with: params },
        options: { rejects: { action: 'quarantine' } },
      });
      const plan: Plan = {
        version: 1,
        job: 'test',
        specDigest: '',
        spec,
        format: 'csv',
        columns,
        files: [
          { uri, label: 'test.csv', size: pin.size, pin, firstChunk: 0, chunkCount: 1, dataStart: 0, headLines: 0 },
        ],
        itemCount: 0,
        chunkBytes: Math.max(1, pin.size),
        chunkRows: 0,
        chunkCount: 1,
        chunksPerActivity: 1,
        bytes: pin.size,
        records: 0,
        recordsExact: false,
        reduces: false,
        concurrency: 1,
      };
      const input = { job: 'test', inline: plan, from: 0, to: 1, generation: 0, attempt: 1, poison };
      const task = { control: new TaskControl(), signal: new AbortController().signal };
      const { receipt, part, rejects } = await runRange(poison ? { ...context, trace } : context, input, task);
      const lines = async <T>(at: string | undefined) =>
        at === undefined
          ? []
          : (await readFile(at, 'utf8')).split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as T]));
      return { receipt, rows: await lines<Row>(part?.path), rejects: await lines<Reject>(rejects?.path) };
    },

    async close() {
      if (engine) (await engine).close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
