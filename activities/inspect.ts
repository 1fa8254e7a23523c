import type { InspectInput, Inspected } from '../src/contract.js';
import { MillraceError } from '../src/core/errors.js';
import type { PlanView } from '../src/core/job.js';
import { columnsOfFile } from '../src/core/plan.js';
import type { Plan } from '../src/core/plan.js';
import { keys } from '../src/core/receipt.js';
import { isOneRange } from '../src/core/part-format.js';
import type { JobSpec } from '../src/core/spec.js';
import { parseSpec, refuseIncremental } from '../src/schema/spec.js';
import { resolveTemplates } from '../src/timetable/templates.js';
import type { Dependencies } from './dependencies.js';
import type { Row } from '../src/core/records.js';
import type { WorkArea } from '../src/stores/port.js';
import { claimFiles } from './increment.js';
import { SAMPLE_ROWS, makePlan } from './make-plan.js';
import type { Planned } from './make-plan.js';
import { nothingNew } from './nothing-new.js';
import { copiedLabel, mustCopy, tableOf } from './copy-source.js';
import { summaryOf } from './plan-summary.js';
import { specOf } from './spec-of.js';
import { readPlan } from './read-plan.js';
import { takeUp } from './take-up.js';

/** A plan of one chunk up to this size rides along with the activity instead of lying in the work area. */
const INLINE_PLAN_BYTES = 40 * 1024;

/** Checks the spec, looks at the source, makes and stores the plan; for a retry, finds the plan that is there. */
export async function inspect(
  dependencies: Dependencies,
  { job, spec, retry, scheduled, startedAt }: InspectInput,
): Promise<Inspected> {
  const { work, files } = dependencies;
  const left = retry && (await takeUp(dependencies, job, retry));
  if (left) return left;
  if (!retry) await clearEnded(work, job);
  const canonical = specOf({ spec, scheduled });
  checkItemsKey(canonical, job);
  if (!retry) checkStart(canonical.options, startedAt);
  // What stands at the sink of a retry may be its own; commit looks.
  if (canonical.sink) await files.resolve(canonical.sink.uri, retry ? 'replace' : canonical.sink.ifExists);
  if (!scheduled) refuseIncremental(canonical);
  if (await mustCopy(dependencies, job, canonical)) {
    // Whatever makes the job impossible is found before anything is copied.
    const { plan, warnings } = await makePlan(dependencies, canonical, job);
    return { ...summaryOf(plan, false, warnings), retry, copies: true };
  }
  const increment = canonical.source.incremental ? scheduled?.schedule : undefined;
  const planned = await planOf(dependencies, canonical, job, increment);
  if (!planned) return nothingNew(work, canonical, job, startedAt ?? new Date().toISOString());
  const { warnings } = planned;
  const plan: Plan = { ...planned.plan, ...(increment !== undefined && { increment }) };
  const text = JSON.stringify(plan);
  const inline = isOneRange(plan) && text.length <= INLINE_PLAN_BYTES;
  if (!inline && !(await work.publish(keys.plan(job), text))) {
    // A former attempt made the plan; its chunks are the job's chunks.
    return { ...summaryOf(await readPlan(work, { job }), false, warnings), retry };
  }
  return { ...summaryOf(plan, inline, warnings), retry };
}

/** The plan; of an incremental source over the files that are new, null where there are none. */
async function planOf(
  dependencies: Dependencies,
  spec: JobSpec,
  job: string,
  schedule: string | undefined,
): Promise<Planned | null> {
  if (schedule === undefined) return makePlan(dependencies, spec, job);
  try {
    return await makePlan(dependencies, spec, job, async (found) => {
      const own = await claimFiles(dependencies, schedule, job, found);
      if (own.length === 0) throw new MillraceError('source.not_found', 'nothing new');
      return own;
    });
  } catch (error) {
    // A pattern that nothing matches yet has nothing new either.
    if (error instanceof MillraceError && error.code === 'source.not_found') return null;
    throw error;
  }
}

/** Clocks of two machines may differ by so much. */
const EARLY_MS = 5000;

/** Whether it is time to begin. @param from RFC 3339; what `start.delay` and `expires` count from */
function checkStart({ start, expiresMs }: JobSpec['options'], from = new Date().toISOString()): void {
  const due = start && 'at' in start ? Date.parse(start.at) : Date.parse(from) + (start?.delayMs ?? 0);
  const late = Date.now() - due;
  if (late < -EARLY_MS) {
    throw new MillraceError(
      'spec.invalid',
      'options.start is of the API, which has the server wait; the temporal command line has --start-delay, a schedule its own times',
    );
  }
  if (expiresMs === undefined || late <= expiresMs) return;
  throw new MillraceError(
    'job.too_late',
    `the job was to begin by ${new Date(due + expiresMs).toISOString()} (options.expires), and no worker took it before ${new Date().toISOString()}`,
  );
}

/** The `temporal` command line may start an id once more that has ended: that is a new job, and no retry of the old one. */
async function clearEnded(work: WorkArea, job: string): Promise<void> {
  if (!(await work.tryRead(keys.ended(job)))) return;
  // The items are of the job that starts. The mark goes last, so that an attempt that was interrupted is made good by the next.
  const stale = (await work.list(keys.job(job))).filter((key) => key !== keys.items(job) && key !== keys.ended(job));
  for (const key of [...stale, keys.ended(job)]) await work.remove(key);
}

/** What the job would do. Starts nothing and stores nothing. */
export async function preview(dependencies: Dependencies, { spec }: { spec: unknown }): Promise<PlanView> {
  const canonical = parseSpec(resolveTemplates(spec, null), { internal: true });
  if (canonical.sink) await dependencies.files.resolve(canonical.sink.uri, canonical.sink.ifExists);
  const { plan, output, sample, warnings } = await makePlan(dependencies, canonical, 'preview');
  const copied = copiedLabel(canonical.source) !== null;
  const format = tableOf(canonical.source) ? 'postgres' : copied ? 'json' : plan.format;
  return {
    name: canonical.name,
    processor: canonical.process.use,
    format,
    files: plan.files.length,
    chunks: plan.chunkCount,
    bytes: plan.bytes,
    records: plan.records,
    recordsExact: plan.recordsExact,
    chunksPerActivity: plan.chunksPerActivity,
    concurrency: plan.concurrency,
    columns: plan.columns,
    output,
    sample: plan.format === 'parquet' && !copied ? await parquetSample(dependencies, plan) : sample,
    warnings,
  };
}

/** In a thread: a damaged page may end the one that decodes it. */
async function parquetSample({ pool }: Dependencies, plan: Plan): Promise<Row[]> {
  const file = plan.files[0]!;
  const { uri, pin, label, constants } = file;
  const columns = columnsOfFile(plan, file);
  const rows = await pool.run('sampleParquet', { uri, pin, label, columns, rows: SAMPLE_ROWS });
  return rows.map((row) => ({ ...constants, ...row }));
}

/** Only the items that the API put there for this very job: the key must not lead into another one. */
function checkItemsKey({ source }: JobSpec, job: string): void {
  if (source.itemsKey === undefined || source.itemsKey === keys.items(job)) return;
  throw new MillraceError('spec.invalid', 'source.itemsKey is set by the API alone; give source.items or source.uri');
}
