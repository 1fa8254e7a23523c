import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { createMemo } from '../../core/memo.js';
import type { Plan, PlanRef } from '../../core/plan.js';
import { keys } from '../../core/receipt.js';
import type { SourceStore, WorkArea } from '../../stores/port.js';
import type { RecordTrace } from '../record-trace.js';
import type { Registry } from '../registry.js';
import type { SqlEngine } from '../sql/sql-engine.js';
import type { SpareFile } from './spare-file.js';

/** What a thread keeps between tasks. */
export interface ThreadContext {
  sources: SourceStore;
  work: WorkArea;
  /** Chunks of SQL do not wait for it: a folder of TypeScript takes as long to load as a thread to start. */
  registry(): Promise<Registry>;
  /** A folder of this thread alone; the only place its SQL engine may touch. */
  scratch: string;
  /** Made at first use and kept warm: a fresh one costs more than a small job. */
  sql(): Promise<SqlEngine>;
  /** The last slice that it copied for the SQL engine. */
  spare: SpareFile;
  plan(ref: PlanRef): Promise<Plan>;
  /** In a task process only. */
  trace?: RecordTrace;
}

const MAX_CACHED_PLANS = 16;

/** Reads plans once per thread; a plan never changes after inspect. */
export function planCache(work: WorkArea): ThreadContext['plan'] {
  const plans = createMemo<Plan>(MAX_CACHED_PLANS);
  return async ({ job, inline }) =>
    inline ?? plans(job, async () => JSON.parse((await work.read(keys.plan(job))).toString()) as Plan);
}

/** Runs `use` with an empty folder in the thread's scratch, removed afterwards. */
export async function inScratch<T>(context: ThreadContext, use: (folder: string) => Promise<T>): Promise<T> {
  // A new name each time: whoever remembers files by their names must not mistake this one for the last.
  const folder = path.join(context.scratch, randomUUID());
  await mkdir(folder, { recursive: true });
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
