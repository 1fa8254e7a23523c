import { createHash, randomUUID } from 'node:crypto';
import picomatch from 'picomatch';
import { isDynamicPattern } from 'tinyglobby';
import type { S3Place } from '../../core/config.js';
import { MillraceError } from '../../core/errors.js';
import type { Manifest } from '../../core/job.js';
import type { WebPin } from '../../core/plan.js';
import type { FoundObject, PinnedSource, SinkStore, SourceStore, StagedFolder } from '../port.js';
import { readAhead } from '../read-ahead.js';
import { Bucket } from './bucket.js';
import type { FoundKey } from './bucket.js';
import { allowedPlace } from './place.js';
import { stagedObject } from './staged-object.js';

const BLOCK_BYTES = 1024 * 1024;
const MANIFEST = 'manifest.json';

/**
 * Objects in the buckets that the settings allow, as sources and sinks.
 *
 * A file becomes visible whole, by one conditional request. A folder cannot: its parts stand at their final keys before the
 * manifest does, under names of their own attempt, so that they replace nothing a reader of the former manifest looks at.
 * Who reads such a folder reads its manifest.
 */
export function createS3Store(places: readonly S3Place[]): SourceStore & SinkStore {
  function at(uri: string): { bucket: Bucket; key: string } {
    const { bucket, key, profile } = allowedPlace(uri, places);
    return { bucket: new Bucket(bucket, profile), key };
  }

  return {
    async find(uri) {
      const { bucket, key } = at(uri);
      const one = key.endsWith('/') ? null : await bucket.head(key);
      if (one) return [foundObject(bucket, one)];
      const matches = matcherOf(key);
      const found: FoundObject[] = [];
      if (matches) {
        for await (const object of bucket.list(listedPrefix(key))) {
          if (matches(object.key)) found.push(foundObject(bucket, object));
        }
      }
      if (found.length > 0) return found;
      const hint = matches ? 'nothing of that name is there' : 'no such object';
      throw new MillraceError('source.not_found', `source ${JSON.stringify(uri)} not found: ${hint}`);
    },

    async open(uri, pin, until) {
      const { bucket, key } = at(uri);
      const known = pin as WebPin | undefined;
      const version = known ? { key, size: known.size, etag: known.etag! } : await bucket.head(key);
      if (!version)
        throw new MillraceError('source.not_found', `source ${JSON.stringify(uri)} not found: no such object`);
      return openVersion(bucket, version, until);
    },

    localPath: () => Promise.resolve(null),

    async resolve(uri, ifExists) {
      const { bucket, key } = at(uri);
      if (ifExists === 'error' && (await isTaken(bucket, key))) {
        throw new MillraceError(
          'sink.exists',
          `sink ${JSON.stringify(uri)} exists already; choose another name or set sink.ifExists: replace`,
        );
      }
      return bucket.uri(key);
    },

    stageFile: async (target) => {
      const { bucket, key } = at(target);
      return stagedObject(bucket, key);
    },

    stageFolder: async (target, owner) => {
      const { bucket, key } = at(target);
      return stageFolder(bucket, key, owner);
    },

    async digest(target) {
      const { bucket, key } = at(target);
      const version = await bucket.head(key);
      if (!version) return null;
      const hash = createHash('sha256');
      const source = openVersion(bucket, version);
      for (let start = 0; start < version.size; start += BLOCK_BYTES) {
        hash.update(await source.read(start, start + BLOCK_BYTES));
      }
      return { bytes: version.size, sha256: hash.digest('hex') };
    },

    names: async (folder) => {
      const { bucket, key } = at(folder);
      const found: string[] = [];
      for await (const one of bucket.list(key)) found.push(one.key.slice(key.length));
      return found.sort();
    },

    remove: async (target) => {
      const { bucket, key } = at(target);
      await bucket.remove([key]);
    },

    async sweep(target, owner) {
      const { bucket, key } = at(target);
      if (!key.endsWith('/')) return bucket.abortUploads(key, (upload) => upload.key === key);
      await bucket.abortUploads(key, (upload) => isPartOf(upload.key, owner));
      await removeStrays(bucket, key, owner, new Set(await partsOf(bucket, key)));
    },
  };
}

/** An object that is read in ranges, of this version and of no other. Over an empty one no range can be asked for. */
export function openVersion(bucket: Bucket, version: FoundKey, until?: number): PinnedSource {
  const ahead = readAhead(version.size, (start, into) => bucket.range(version, start, into), until);
  return { size: version.size, pin: pinOf(version), ...ahead };
}

function foundObject(bucket: Bucket, found: FoundKey): FoundObject {
  const uri = bucket.uri(found.key);
  return { uri, label: uri, pin: pinOf(found) };
}

function pinOf({ size, etag }: FoundKey): WebPin {
  return { size, etag, modified: null };
}

async function isTaken(bucket: Bucket, key: string): Promise<boolean> {
  if (!key.endsWith('/')) return (await bucket.head(key)) !== null;
  for await (const found of bucket.list(key)) if (found.key !== key) return true;
  return false;
}

/** Which keys a pattern means; of a prefix that ends in `/` all that hold data. Null for a plain key. */
function matcherOf(key: string): ((candidate: string) => boolean) | null {
  if (isDynamicPattern(key)) return picomatch(key);
  if (!key.endsWith('/')) return null;
  return (candidate) => {
    const parts = candidate.slice(key.length).split('/');
    const isHidden = parts.some((part) => part === '' || part.startsWith('.') || part.startsWith('_'));
    return !isHidden && parts.at(-1) !== MANIFEST && !candidate.endsWith(`.${MANIFEST}`);
  };
}

/** What all keys of a pattern begin with. */
function listedPrefix(pattern: string): string {
  const parts = pattern.split('/');
  const dynamic = parts.findIndex((part) => isDynamicPattern(part));
  return dynamic === -1
    ? pattern
    : parts
        .slice(0, dynamic)
        .map((part) => `${part}/`)
        .join('');
}

function stageFolder(bucket: Bucket, folder: string, owner: string): StagedFolder {
  const attempt = randomUUID().slice(0, 8);
  const placed = (name: string) => folder + name.replace(/[^./]*(?=[^/]*$)/, `$&-${owner}-${attempt}`);
  const written: string[] = [];
  return {
    uriOf: (name) => bucket.uri(placed(name)),

    file: async (name) => {
      written.push(placed(name));
      return stagedObject(bucket, placed(name));
    },

    async publish(manifest, ifExists) {
      const former = ifExists === 'replace' ? await partsOf(bucket, folder) : [];
      const won = await bucket.put(folder + MANIFEST, Buffer.from(manifest), ifExists === 'error');
      // What stands there now may be of another attempt of this job, or name its parts.
      const kept = new Set(await partsOf(bucket, folder));
      await bucket.remove([...former, ...written].filter((key) => !kept.has(key)));
      if (won) await removeStrays(bucket, folder, owner, kept);
      return won;
    },

    discard: () => bucket.remove(written),
  };
}

/** Keys of the parts that the manifest of a folder names; none where there is no manifest of ours. */
async function partsOf(bucket: Bucket, folder: string): Promise<string[]> {
  const text = await bucket.get(folder + MANIFEST);
  const prefix = bucket.uri(folder);
  try {
    const { parts } = JSON.parse(text?.toString() ?? '{"parts":[]}') as Pick<Manifest, 'parts'>;
    // What lies elsewhere is not this folder's to remove, whatever the text says.
    return parts.flatMap(({ uri }) => (uri.startsWith(prefix) ? [folder + uri.slice(prefix.length)] : []));
  } catch {
    return [];
  }
}

/** What attempts of a job left in a folder and no manifest names. */
async function removeStrays(bucket: Bucket, folder: string, owner: string, kept: Set<string>): Promise<void> {
  const strays: string[] = [];
  for await (const { key } of bucket.list(folder)) {
    if (isPartOf(key, owner) && !kept.has(key)) strays.push(key);
  }
  await bucket.remove(strays);
}

function isPartOf(key: string, owner: string): boolean {
  const name = key.slice(key.lastIndexOf('/') + 1);
  return name.startsWith('part-') && name.includes(`-${owner}-`);
}
