import { MillraceError, messageOf } from '../../core/errors.js';

interface Answer {
  name?: string;
  $metadata?: { httpStatusCode?: number };
  $retryable?: unknown;
}

export function statusOf(error: unknown): number | undefined {
  return (error as Answer).$metadata?.httpStatusCode;
}

export function nameOf(error: unknown): string {
  return (error as Answer).name ?? '';
}

const BAD_KEYS = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'CredentialsProviderError',
  'TokenProviderError',
]);

/** What the SDK threw, as a person wants to read it. @param what the object or bucket that was asked for */
export function s3Fault(error: unknown, what: string): MillraceError {
  if (error instanceof MillraceError) return error;
  const name = nameOf(error);
  const status = statusOf(error);
  const fault = (code: string, text: string, retryable = false) =>
    new MillraceError(code, `"${what}" ${text}`, { cause: error, retryable });
  if (BAD_KEYS.has(name)) {
    return fault(
      's3.credentials',
      `cannot be used: ${name}; give the process credentials as the AWS tools take them (AWS_ACCESS_KEY_ID, a profile, a role)`,
    );
  }
  if (/^region is missing/i.test(messageOf(error))) {
    return fault(
      's3.credentials',
      'cannot be used: no region is set; set AWS_REGION (most servers other than AWS want us-east-1)',
    );
  }
  // Who sweeps a name ends what is under way there; the attempt begins anew.
  if (name === 'NoSuchUpload')
    return fault('s3.upload_gone', 'was being uploaded, which somebody else has ended', true);
  if (name === 'NoSuchBucket') return fault('s3.no_such_bucket', 'is in a bucket that does not exist');
  if (status === 401 || status === 403)
    return fault('s3.denied', `may not be used with these credentials: the server answered ${status}`);
  if (status === undefined || status === 429 || status >= 500) {
    return fault(
      's3.unreachable',
      `was not reached: ${status === undefined ? messageOf(error) : `${name}, status ${status}`}`,
      true,
    );
  }
  return fault('s3.refused', `was refused: ${name}, status ${status}, ${messageOf(error)}`);
}
