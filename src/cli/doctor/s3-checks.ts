import type { Config, S3Place } from '../../core/config.js';
import { checkWorkArea } from '../../stores/open-work-area.js';
import { Bucket } from '../../stores/s3/bucket.js';
import { refusesSecond } from '../../stores/s3/probe.js';
import { guarded, ok, warn, type Check } from './check.js';

const MEND = 'see docs/s3.md: the AWS configuration of this process, and MILLRACE_S3_BUCKETS';

/** The work area, where it lies in a bucket: it has to be written to, and to refuse a second writer. */
export function checkS3WorkArea(config: Config): Promise<Check> {
  return guarded('work area', MEND, async () => {
    await checkWorkArea(config);
    return ok('work area', `${config.work}, writable, the first writer wins`);
  });
}

/** The buckets that sources and sinks may name. */
export function checkBuckets({ s3 = [] }: Config): Promise<Check[]> {
  return Promise.all(s3.map(checkBucket));
}

function checkBucket({ bucket, prefix, profile }: S3Place): Promise<Check> {
  const name = `s3 ${bucket}${prefix && `/${prefix}`}`;
  return guarded(name, MEND, async () => {
    const place = new Bucket(bucket, profile);
    for await (const found of place.list(prefix)) if (found) break;
    const refuses = await refusesSecond(place, prefix).catch((error: unknown) => error);
    if (refuses === true) return ok(name, 'readable, writable, the first writer wins');
    if (refuses === false) {
      return warn(
        name,
        'readable, writable, but a second writer wins over the first (no If-None-Match)',
        'sinks with ifExists: error are only as safe there as one job at a time; do not put MILLRACE_WORK there',
      );
    }
    return warn(
      name,
      `readable, not writable: ${(refuses as Error).message}`,
      'good for sources; sinks need write access',
    );
  });
}
