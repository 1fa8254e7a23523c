import type { S3Place } from '../../core/config.js';
import { MillraceError } from '../../core/errors.js';

export interface S3Uri {
  bucket: string;
  /** As it is: nothing in it is decoded. */
  key: string;
}

/** `s3://bucket/key`; null where it is none. */
export function parseS3Uri(uri: string): S3Uri | null {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/is.exec(uri) ?? [];
  return bucket === undefined ? null : { bucket, key: key! };
}

export function s3Uri(bucket: string, key: string): string {
  return `s3://${bucket}/${key}`;
}

/**
 * What a uri of a spec names, where the settings allow it.
 * @throws MillraceError `s3.bad_uri`, `s3.not_allowed`
 */
export function allowedPlace(uri: string, places: readonly S3Place[]): S3Uri & { profile?: string } {
  const asked = parseS3Uri(uri);
  if (!asked) {
    throw new MillraceError('s3.bad_uri', `${JSON.stringify(uri)} names no object; wanted s3://bucket/key`);
  }
  const { bucket, key } = asked;
  // Gateways over a file system take them for folders.
  if (key.split('/').some((part) => part === '.' || part === '..')) {
    throw new MillraceError('s3.bad_uri', `${JSON.stringify(uri)} has "." or ".." as a part of its key`);
  }
  const place = places.find((one) => one.bucket === bucket && key.startsWith(one.prefix));
  if (place) return { bucket, key, profile: place.profile };
  throw new MillraceError(
    's3.not_allowed',
    `${JSON.stringify(uri)} lies outside the buckets this service may use; add "${bucket}" or a prefix of it to MILLRACE_S3_BUCKETS`,
  );
}
