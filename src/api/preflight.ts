import { MillraceError } from '../core/errors.js';
import { keys, lastCommitted } from '../core/receipt.js';
import { isManifest, sourceFormat } from '../core/source-format.js';
import { isTableUri } from '../core/table-uri.js';
import type { JobSpec } from '../core/spec.js';
import { nearest } from '../schema/issues.js';
import { checkParams } from '../schema/params.js';
import type { FoundObject, SinkStore, SourceStore, WorkArea } from '../stores/port.js';
import type { Jobs } from '../temporal/jobs.js';
import type { Catalogue } from './catalogue.js';

/** Of a glob with many files only so many are looked into here; the job itself looks into all. */
const MAX_PROBED = 50;
const MAGIC = 'PAR1';

/** What a spec is held against. */
export interface Checks {
  sources: SourceStore;
  sinks: Pick<SinkStore, 'resolve'>;
  work: Pick<WorkArea, 'list'>;
  jobs: Pick<Jobs, 'owns' | 'specOf'>;
  /** Absent: nobody is asked who they are. */
  gatekeeper?: object;
}

/**
 * What can be known of a job before it starts: its sources are there and of a known format, its place for the result is
 * free, its processor exists and takes its parameters.
 * @returns warnings
 * @throws MillraceError `source.*`, `path.outside_root`, `sink.exists`, `processor.unknown`, `processor.bad_params`
 */
export async function preflight(spec: JobSpec, stores: Checks, catalogue: () => Promise<Catalogue>): Promise<string[]> {
  const [processor, ...others] = await Promise.allSettled([
    catalogue().then((known) => checkProcessor(spec, known)),
    ...(spec.source.uri ?? []).map((uri) => at('/source/uri', () => checkSource(spec, uri, stores.sources))),
    spec.source.job !== undefined && at('/source/job', () => checkJob(spec.source.job!, stores)),
    spec.sink && at('/sink/uri', () => stores.sinks.resolve(spec.sink!.uri, spec.sink!.ifExists)),
  ]);
  const faults = [processor, ...others].flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  // A schedule forgives a source that is not there yet, and nothing else: so that is the last to be told.
  const isAbsent = (error: unknown) => error instanceof MillraceError && error.code === 'source.not_found';
  if (faults.length > 0) throw faults.find((error) => !isAbsent(error)) ?? faults[0];
  return processor.status === 'fulfilled' ? processor.value : [];
}

function checkProcessor(spec: JobSpec, { workers, processors }: Catalogue): string[] {
  const { use, with: params } = spec.process;
  if (workers.length === 0) return ['no worker is known; the job waits until one starts (millrace worker)'];
  const info = processors.get(use);
  if (!info) {
    const names = [...processors.keys()].sort();
    const near = nearest(use, names);
    const message = `processor "${use}" is not known to any worker; ${near ? `did you mean "${near}"? ` : ''}known: ${names.join(', ')}`;
    throw new MillraceError('processor.unknown', message, { issues: [{ path: '/process/use', message }] });
  }
  checkParams(info, params);
  return [];
}

/** Whose a job is the server knows. One that it has forgotten may be anybody's. */
async function checkJob(job: string, { work, jobs, gatekeeper }: Checks): Promise<void> {
  const [own, committed] = await Promise.all([jobs.owns(job), work.list(keys.output(job))]);
  const visible = own ?? gatekeeper === undefined;
  if (visible && lastCommitted(committed) !== null) return;
  throw new MillraceError(
    'source.job_not_committed',
    `job "${job}" has no committed result; wanted one that has completed`,
  );
}

async function checkSource(spec: JobSpec, uri: string, sources: SourceStore): Promise<void> {
  if (isTableUri(uri)) {
    await sources.tables?.look({ uri, query: spec.source.query, key: spec.source.key });
    return;
  }
  if (spec.source.pages) {
    await sources.page?.(uri);
    return;
  }
  const found = await sources.find(uri);
  if (!spec.source.format && isManifest(uri)) return;
  const formats = found.map(({ label }) => sourceFormat(label, spec.source.format));
  const parquet = found.filter((_, i) => formats[i] === 'parquet').slice(0, MAX_PROBED);
  await Promise.all(parquet.map((object) => checkParquet(object, sources)));
}

async function checkParquet({ uri, label, pin }: FoundObject, sources: SourceStore): Promise<void> {
  const source = await sources.open(uri, pin);
  try {
    const ends = await Promise.all([source.read(0, 4), source.read(Math.max(0, source.size - 4), source.size)]);
    const [head, tail] = ends.map((bytes) => bytes.toString('latin1'));
    if (source.size >= 12 && head === MAGIC && tail === MAGIC) return;
    const reason =
      tail === 'PARE'
        ? 'its footer is encrypted'
        : `wanted "${MAGIC}" at both ends, found ${JSON.stringify(head)} and ${JSON.stringify(tail)}`;
    throw new MillraceError('source.corrupt_parquet', `source "${label}" is no whole Parquet file: ${reason}`);
  } finally {
    await source.close();
  }
}

/** Gives an error its place in the spec. */
async function at<T>(path: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof MillraceError) || error.issues.length > 0) throw error;
    throw new MillraceError(error.code, error.message, {
      issues: [{ path, message: error.message }],
      retryable: error.retryable,
      cause: error,
    });
  }
}
