import { createHash } from 'node:crypto';
import { atOnce } from '../src/core/at-once.js';
import { MillraceError } from '../src/core/errors.js';
import type { JobResult, Manifest, ManifestPart } from '../src/core/job.js';
import { keys, lastCommitted } from '../src/core/receipt.js';
import { isManifest } from '../src/core/source-format.js';
import type { SinkFormat, SourceSpec } from '../src/core/spec.js';
import { WORK_SCHEME } from '../src/stores/port.js';
import type { FoundObject } from '../src/stores/port.js';
import type { Dependencies } from './dependencies.js';
import { pinOf } from './pin-of.js';

const BLOCK_BYTES = 4 * 1024 * 1024;
/** Parts that are held against their digests side by side. */
const AT_ONCE = 8;

export interface Chained {
  found: FoundObject[];
  format: SinkFormat;
}

type Needs = Pick<Dependencies, 'files' | 'work'>;

/**
 * What a job has committed, as a source: each part is there and is, byte for byte, what the manifest says. Null where the
 * source is no committed result.
 * @throws MillraceError `source.job_not_committed`, `source.bad_manifest`, `source.changed`, `source.not_found`
 */
export async function chained(needs: Needs, { job, uri, format }: SourceSpec): Promise<Chained | null> {
  if (job !== undefined) return partsOf(needs, await manifestOfJob(needs, job), true);
  const [only, ...others] = uri ?? [];
  if (only === undefined || format !== undefined || !isManifest(only)) return null;
  if (others.length > 0) throw badManifest(only, 'is one of several sources; a manifest is a source by itself');
  return partsOf(needs, await manifestAt(needs, only), false);
}

async function manifestOfJob({ work }: Needs, job: string): Promise<Manifest> {
  const committed = lastCommitted(await work.list(keys.output(job)));
  if (committed === null) {
    throw new MillraceError(
      'source.job_not_committed',
      `source.job "${job}" has no committed result: it is not known here, has not ended yet, failed, or was removed by its retention`,
    );
  }
  const { manifest } = JSON.parse((await work.read(committed)).toString()) as JobResult;
  return JSON.parse((await work.read(manifest)).toString()) as Manifest;
}

async function manifestAt({ files }: Needs, uri: string): Promise<Manifest> {
  const [found] = await files.find(uri);
  const source = await files.open(found!.uri, found!.pin);
  try {
    const text = (await source.read(0, source.size)).toString();
    const manifest = JSON.parse(text) as Partial<Manifest> | null;
    if (manifest?.version === 1 && Array.isArray(manifest.parts) && manifest.output) return manifest as Manifest;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  } finally {
    await source.close();
  }
  throw badManifest(uri, 'is no manifest of a job (version 1); set source.format: json to read it as records');
}

/** @param ours the manifest was read from the work area, where nobody else writes */
async function partsOf(needs: Needs, { parts, output }: Manifest, ours: boolean): Promise<Chained> {
  if (output.inWorkArea && !ours) {
    throw badManifest(output.uri, 'names what lies in the work area; name its job as source.job instead');
  }
  if (parts.length === 0 && output.partitionBy) {
    throw new MillraceError('source.empty', `source "${output.uri}" has no files: no record was given to it`);
  }
  if (parts.length === 0) throw badManifest(output.uri, 'is no file but a table; name the table as the source');
  // A part without records may be a file without a header.
  const filled = parts.filter(({ records }) => records > 0);
  const wanted = filled.length > 0 ? filled : parts.slice(0, 1);
  const found = await atOnce(AT_ONCE, wanted, (part) => verified(needs, part, output.inWorkArea));
  return { found, format: output.format };
}

async function verified(needs: Needs, part: ManifestPart, inWorkArea: boolean): Promise<FoundObject> {
  const uri = inWorkArea ? `${WORK_SCHEME}${part.uri}` : part.uri;
  const found = inWorkArea ? await inArea(needs, part.uri, uri) : (await needs.files.find(uri))[0]!;
  const source = await needs.files.open(found.uri, found.pin);
  const hash = createHash('sha256');
  try {
    for (let at = 0; at < source.size; at += BLOCK_BYTES) hash.update(await source.read(at, at + BLOCK_BYTES));
  } finally {
    await source.close();
  }
  const { partition } = part;
  if (source.size === part.bytes && hash.digest('hex') === part.sha256)
    return { ...found, ...(partition !== undefined && { partition }) };
  throw new MillraceError(
    'source.changed',
    `source "${found.label}" is not what the manifest says of it (${part.bytes} bytes, sha256 ${part.sha256}); it was changed since it was committed`,
  );
}

async function inArea({ work }: Needs, key: string, uri: string): Promise<FoundObject> {
  return { uri, label: uri, pin: await pinOf(work, key) };
}

function badManifest(uri: string, what: string): MillraceError {
  return new MillraceError('source.bad_manifest', `source "${uri}" ${what}`);
}
