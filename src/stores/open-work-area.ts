import path from 'node:path';
import type { Config } from '../core/config.js';
import { MillraceError } from '../core/errors.js';
import type { WorkArea } from './port.js';
import { Bucket } from './s3/bucket.js';
import { parseS3Uri } from './s3/place.js';
import { refusesSecond } from './s3/probe.js';
import { createS3WorkArea } from './s3/work-area.js';
import { createWorkArea } from './work-area.js';

type Place = Pick<Config, 'work' | 'home' | 's3'>;

/** The work area that the settings name: a folder, or a prefix of a bucket. */
export async function openWorkArea({ work, home, s3 = [] }: Place): Promise<WorkArea> {
  const place = bucketOf(work, s3);
  return place ? createS3WorkArea(place.bucket, place.prefix, path.join(home, 'staging')) : createWorkArea(work);
}

/**
 * For those who start a process: whether the work area can be what everything stands on.
 * @throws MillraceError `work.unusable` where two attempts could both publish, `s3.*` where the bucket cannot be used at all
 */
export async function checkWorkArea({ work, s3 = [] }: Place): Promise<void> {
  const place = bucketOf(work, s3);
  if (!place || (await refusesSecond(place.bucket, place.prefix))) return;
  throw new MillraceError(
    'work.unusable',
    `work area "${work}": the server writes over an object although it was told not to (If-None-Match), so that two attempts could both publish; ` +
      'set MILLRACE_WORK to a folder that all workers see, or to a server that knows conditional writes',
  );
}

function bucketOf(work: string, places: NonNullable<Config['s3']>): { bucket: Bucket; prefix: string } | null {
  const uri = parseS3Uri(work);
  if (!uri) return null;
  const profile = places.find(({ bucket }) => bucket === uri.bucket)?.profile;
  return { bucket: new Bucket(uri.bucket, profile), prefix: `${uri.key.replace(/\/+$/, '')}/` };
}
